//! The import `findings`: it passes batches on to the caller's sink.

use crate::{
    bindings::backend::scanhost::backend::findings::{Batch, Host},
    call::CallState,
};

impl Host for CallState {
    fn emit(&mut self, batch: Batch) -> wasmtime::Result<Result<(), String>> {
        self.progress.step();
        let Some(findings) = &mut self.reach.findings else {
            return Ok(Err("findings are taken in `parse` only".into()));
        };
        Ok(findings.emit(batch))
    }
}
