//! The import `log`: lines for the operator, with a limit of bytes per call.

use crate::{
    bindings::backend::scanhost::backend::{
        log::{Host, Level},
        types,
    },
    call::CallState,
    convert,
};

/// Bytes that a line counts at least, since the operator's log adds more than this to each, also to an empty one.
const MIN_LINE_BYTES: usize = 64;

impl Host for CallState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let Some(log) = &mut self.reach.log else { return Ok(()) };
        if self.log_bytes_left == 0 {
            return Ok(());
        }
        match self.log_bytes_left.checked_sub(message.len().max(MIN_LINE_BYTES)) {
            Some(left) => {
                self.log_bytes_left = left;
                log.write(level, &convert::line(message));
            }
            None => {
                self.log_bytes_left = 0;
                log.write(
                    Level::Warn,
                    "the plugin has written too many log lines in this call, so the rest is dropped",
                );
            }
        }
        Ok(())
    }
}

/// The interface has no functions.
impl types::Host for CallState {}
