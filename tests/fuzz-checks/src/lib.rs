//! The properties that the fuzz targets check on any bytes. The test `fuzz` of `tests/it` checks them on the seeds, on the
//! usual toolchain.

pub mod filters;
pub mod parser;
pub mod segments;
