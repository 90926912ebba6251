//! What scanhost is about, without any I/O: ids, targets, scans and their states, findings, filters, pages.
//! Nothing here reads a clock, waits, or knows JSON, MCP, Wasm or files.

pub mod breaker;
pub mod error_chain;
pub mod field;
pub mod filter;
pub mod finding;
pub mod group;
pub mod ids;
pub mod nearest;
pub mod page;
pub mod quarantine;
pub mod request;
pub mod scan;
pub mod schedule;
pub mod target;
pub mod visible;
