//! The sandbox with real guests, also with such that misbehave.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

mod cache;
mod calls;
mod described;
mod faults;
mod loaded;
mod mock;
mod observed;
mod profile;
mod reach;
mod refused;
mod waits;
