//! Other outputs than pages of findings: summaries, comparisons, CSV and Parquet. The expected values come from an
//! independent implementation in Python that reads the same reports.

mod compare;
mod csv;
mod parquet;
mod reference_host;
mod shaped_rows;
mod summary;
