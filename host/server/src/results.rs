//! Findings on disk and how they are asked for: written once when a report is read, then filtered, paged and shown.
//! The order filter, page, projection is the only one that the functions here allow.

pub mod jsonl;
mod query;
mod report;
mod rows;
mod value;
mod view;
mod writer;

pub use query::Selected;
pub use report::{Report, ReportError};
pub use view::{BadView, View, check_standing};
pub use writer::FindingsWriter;
