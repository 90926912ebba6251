//! A server that behaves as a Nessus scanner's API does, in memory, for tests: states over time, sessions that end,
//! the documented errors, any report as a scan's result. It counts what it was asked per marker and injects faults.
//! It scans nothing and speaks plain HTTP.

mod call;
mod create;
mod edition;
mod export;
mod fault;
mod record;
mod reply;
mod report;
mod scan;
mod scanner;
mod server;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod view;

pub use call::Operation;
pub use fault::{Fault, Kind, When};
pub use record::{Counts, Record, Records};
pub use server::FakeNessus;
pub use settings::{ApiKeys, Login, Reports, Settings};
pub use view::ScanView;
