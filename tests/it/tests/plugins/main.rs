//! Plugins of an operator's own inside the whole host: a bad one fails its own scans and nobody else's.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

mod egress;
mod faults;
mod refused;
mod wire;
