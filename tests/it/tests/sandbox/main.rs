//! The sandbox with real guests, including guests that misbehave.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

mod cache;
mod capabilities;
mod concurrent_calls;
mod descriptions;
mod faults;
mod mock;
mod observer;
mod profile;
mod refusals;
mod test_sandbox;
mod wall_time;
