//! Why findings were not written to a file.

use std::io;

use crate::{ReportError, jsonl::WriteError, rows::ShapeError};

/// Why findings were not written to a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the file cannot be written")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("the findings cannot be written as CSV")]
    Csv(#[from] csv::Error),
    #[error("the findings cannot be written as Parquet")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    #[error(
        "the profile returns values of the field `{field}` that are not of its type, which a Parquet file requires: use \
         another format, or fix the plugin"
    )]
    Mistyped { field: String },
}

impl From<WriteError> for ExportError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(error) => error.into(),
            WriteError::Report(error) => error.into(),
            WriteError::Shape(error) => error.into(),
        }
    }
}
