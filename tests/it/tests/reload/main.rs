//! A configuration that changes while the server runs.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

mod configuration;
mod failed_reloads;
mod rollback;
mod running_scans;
mod swaps_under_load;
mod test_host;
