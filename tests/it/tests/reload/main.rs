//! A configuration that changes while the server runs.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

mod bad_swaps;
mod configuration;
mod plant;
mod rollback;
mod running_scans;
mod swaps;
