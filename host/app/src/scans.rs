//! What can be asked and done about scans: one file for each use case, with its arguments and its reply.

pub mod cancel;
pub mod compare;
pub mod delete;
pub mod list;
pub mod native_report;
pub mod reread;
pub mod results;
mod scan_args;
pub mod settings;
pub mod status;
pub mod summary;
pub mod wait;

pub use scan_args::ScanArgs;
