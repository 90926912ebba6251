//! The import `report`: the report file, which is read while parsing and written while exporting.

use crate::{bindings::backend::scanhost::backend::report::Host, call::CallState};

/// Bytes that one `read` returns at most.
const MAX_READ: usize = 1 << 20;

impl Host for CallState {
    fn read(&mut self, max: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        self.progress.step();
        let Some(report) = &mut self.reach.report_reader else {
            return Ok(Err("the report can be read in `parse` only".into()));
        };
        let max = usize::try_from(max).unwrap_or(MAX_READ).min(MAX_READ);
        Ok(report.read(max).map_err(|error| error.kind().to_string()))
    }

    fn append(&mut self, bytes: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        self.progress.step();
        let Some(report) = &mut self.reach.report_writer else {
            return Ok(Err("the report can be written in `export-report` only".into()));
        };
        Ok(report.append(&bytes).map_err(|error| error.kind().to_string()))
    }
}
