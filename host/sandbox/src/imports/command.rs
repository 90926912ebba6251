//! The import `program`. Calls are bounded here; the caller's [`Program`](crate::capability::Program) permits and runs
//! them.

use crate::{
    bindings::command::scanhost::command::program::{Answer, Argument, Host, RunError, Standing},
    call::CallState,
};

/// Arguments of one program, and bytes of one argument.
const MAX_ARGUMENTS: usize = 256;
const MAX_ARGUMENT: usize = 4 << 10;

/// Bytes that one `output` returns at most, and that `deliver` copies at once.
const MAX_READ: usize = 1 << 20;

/// Programs that one call may run, calls of `ask` included.
const MAX_RUNS: u32 = 8;

impl CallState {
    /// Checks the bounds that hold for every program, whatever its allow list says.
    fn permit_run(&mut self, arguments: &[&str]) -> Result<(), RunError> {
        if self.runs == MAX_RUNS {
            return Err(RunError::Denied(format!("one call may run at most {MAX_RUNS} programs")));
        }
        self.runs += 1;
        if arguments.len() > MAX_ARGUMENTS {
            return Err(RunError::Denied(format!("a program may have at most {MAX_ARGUMENTS} arguments")));
        }
        if arguments.iter().any(|argument| argument.len() > MAX_ARGUMENT) {
            return Err(RunError::Denied(format!("an argument may have at most {MAX_ARGUMENT} bytes")));
        }
        Ok(())
    }
}

fn no_program() -> RunError {
    RunError::Denied("this call may not run programs".into())
}

fn text_of(argument: &Argument) -> &str {
    match argument {
        Argument::Text(text) => text,
        Argument::TargetsFile => "",
    }
}

impl Host for CallState {
    async fn start(&mut self, command: String, arguments: Vec<Argument>) -> wasmtime::Result<Result<(), RunError>> {
        if let Err(refused) = self.permit_run(&arguments.iter().map(text_of).collect::<Vec<_>>()) {
            return Ok(Err(refused));
        }
        let Some(program) = &mut self.reach.program else { return Ok(Err(no_program())) };
        let started = program.start(command, arguments).await;
        self.has_waited = true;
        Ok(started)
    }

    fn look(&mut self) -> wasmtime::Result<Option<Standing>> {
        Ok(self.reach.program.as_mut().and_then(|program| program.look()))
    }

    fn output(&mut self, start: u64, max: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        self.progress.step();
        let Some(program) = &mut self.reach.program else { return Ok(Ok(Vec::new())) };
        let max = usize::try_from(max).unwrap_or(MAX_READ).min(MAX_READ);
        Ok(program.output(start, max).map_err(|error| error.kind().to_string()))
    }

    async fn stop(&mut self) -> wasmtime::Result<Result<(), String>> {
        let Some(program) = &mut self.reach.program else { return Ok(Ok(())) };
        let stopped = program.stop().await;
        self.has_waited = true;
        Ok(stopped)
    }

    async fn deliver(&mut self) -> wasmtime::Result<Result<u64, String>> {
        let (Some(program), Some(report)) = (&mut self.reach.program, &mut self.reach.report_writer) else {
            return Ok(Err("a program's output is delivered in `export-report` only".into()));
        };
        let copied = async {
            report.restart()?;
            let mut copied = 0;
            loop {
                let piece = program.output(copied, MAX_READ)?;
                if piece.is_empty() {
                    return Ok(copied);
                }
                report.append(&piece)?;
                copied += piece.len() as u64;
                self.progress.step();
                tokio::task::yield_now().await;
            }
        };
        let copied: std::io::Result<u64> = copied.await;
        self.has_waited = true;
        Ok(copied.map_err(|error| error.kind().to_string()))
    }

    async fn ask(&mut self, command: String, arguments: Vec<String>) -> wasmtime::Result<Result<Answer, RunError>> {
        if let Err(refused) = self.permit_run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
            return Ok(Err(refused));
        }
        let Some(program) = &mut self.reach.program else { return Ok(Err(no_program())) };
        let answer = program.ask(command, arguments).await;
        self.has_waited = true;
        Ok(answer)
    }
}
