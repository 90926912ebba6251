//! Findings on disk and queries over them: they are written once as columns when a report is read, then filtered, ordered
//! or grouped, paged and shown. The types allow only this order: filter, page, project.

mod blocks;
mod clip;
mod column;
mod column_writer;
mod comparison;
mod dictionary;
mod directory;
mod error;
pub mod export;
mod filter_cache;
mod finding_index;
mod findings_page;
mod fixed;
mod group;
mod group_values;
mod highlights;
mod ingest;
mod json_value;
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
mod standing_filters;
mod text_order;
mod view;
mod writer;

pub use comparison::{Change, ChangeCounts, Changes, Comparison, ComparisonPage, Resume};
pub use error::ReportError;
pub use finding_index::FindingIndex;
pub use findings_page::{FindingsPage, Truncated};
pub use highlights::Highlights;
pub use ingest::{IngestError, ingest, ingest_in_background};
pub use json_value::JsonValue;
pub use prepared::{PreparedQuery, ShapeRows};
pub use query::Selected;
#[cfg(test)]
pub use records::Record;
pub use report::{Identity, Report};
pub use standing_filters::{check_standing_filters, unknown_fields};
pub use view::{BadView, ShownField, View};
pub use writer::FindingsWriter;

/// Whether the folder has a report's findings.
pub fn has_findings(folder: &std::path::Path) -> bool {
    report::path(folder).is_file()
}

/// The form of findings on disk, for checks from outside of this crate.
pub mod on_disk {
    pub use crate::{
        blocks::BLOCK,
        meta::ReportMeta,
        report::path,
        segment_writer::{Bounds, SegmentWriter},
    };
}
