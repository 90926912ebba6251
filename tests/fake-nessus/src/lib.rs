//! A fake Nessus scanner for tests, which implements the API in memory: scans that change state over time, sessions
//! that expire, the documented errors, and any report as the result of a scan. It counts requests by marker, and
//! injects faults. It scans nothing, and speaks plain HTTP.

mod call;
mod create_request;
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
pub use fault::{Fault, FaultKind, FaultTiming};
pub use record::{Counts, Record, Records};
pub use server::FakeNessus;
pub use settings::{ApiKeys, Login, Reports, Settings};
pub use view::ScanView;
