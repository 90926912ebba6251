//! Findings on disk and how they are asked for: written once as columns when a report is read, then filtered, ordered
//! or grouped, paged and shown. The order filter, page, projection is the only one that the functions here allow.

mod answered;
mod blocks;
mod clip;
mod column;
mod column_writer;
mod comparison;
mod dictionary;
mod digest;
mod directory;
mod error;
pub mod export;
mod findings_page;
mod fixed;
mod group;
mod ingest;
pub mod jsonl;
mod measure;
mod meta;
mod operand;
mod order;
mod prepared;
mod query;
mod rank;
mod records;
mod report;
mod report_file;
pub mod rows;
mod segment_writer;
mod select;
pub mod shaped;
mod standing;
mod survey;
mod text_order;
mod value;
mod values;
mod view;
mod writer;

pub use comparison::{Change, ChangeCounts, Changes, Comparison, Resume, Stretch};
pub use digest::Digest;
pub use error::ReportError;
pub use findings_page::{FindingsPage, Truncated};
pub use ingest::{IngestError, ingest, ingest_in_background};
pub use prepared::{PreparedQuery, ShapeRows};
pub use query::Selected;
#[cfg(test)]
pub use records::Record;
pub use report::{Identity, Report};
pub use standing::{check_standing, unfamiliar};
pub use survey::Survey;
pub use value::JsonValue;
pub use view::{BadView, Shown, View};
pub use writer::FindingsWriter;

/// The form of findings on disk, for what checks it from outside.
pub mod on_disk {
    pub use crate::{
        blocks::BLOCK,
        meta::ReportMeta,
        report::path,
        segment_writer::{Bounds, SegmentWriter},
    };
}
