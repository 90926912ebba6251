//! Third-party plugins in the whole host: a misbehaving plugin fails its own scans, and affects no others.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

mod egress;
mod fake_scanner;
mod faults;
mod refusals;
