//! What a guest may reach, as trait objects that its host gives to one call. What is not given is refused.

use async_trait::async_trait;

pub use crate::bindings::{
    backend::scanhost::backend::{
        findings::{Batch, Cell},
        http::{Downloaded, HttpError, Method, Request, Response},
        log::Level,
    },
    command::scanhost::command::program::{Answer, Argument, Ending, Limit, RunError, Standing},
};

/// Requests to the one scanner that the call is for.
#[async_trait]
pub trait Http: Send {
    async fn send(&mut self, request: Request) -> Result<Response, HttpError>;

    /// Streams a 2xx body into the report, and replaces what was there.
    async fn download(&mut self, request: Request, report: &mut dyn ReportWriter) -> Result<Downloaded, HttpError>;
}

/// The program of the one scan that the call is for.
#[async_trait]
pub trait Program: Send {
    async fn start(&mut self, command: String, arguments: Vec<Argument>) -> Result<(), RunError>;
    fn look(&mut self) -> Option<Standing>;

    /// At most `max` bytes of the output from this byte on; empty if there are none.
    fn output(&mut self, start: u64, max: usize) -> std::io::Result<Vec<u8>>;

    /// # Errors
    /// The error is a text for the guest and the log.
    async fn stop(&mut self) -> Result<(), String>;
    async fn ask(&mut self, command: String, arguments: Vec<String>) -> Result<Answer, RunError>;
}

/// The report file while it is being exported.
pub trait ReportWriter: Send {
    /// Empties it.
    fn restart(&mut self) -> std::io::Result<()>;
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()>;
}

/// The report file while it is being parsed.
pub trait ReportReader: Send {
    /// The next bytes, at most `max`; empty at the end.
    fn read(&mut self, max: usize) -> std::io::Result<Vec<u8>>;
}

/// Where the findings of a report go.
pub trait FindingSink: Send {
    /// # Errors
    /// The error is a text for the guest and the log: which rule the batch breaks, or why it cannot be stored.
    fn emit(&mut self, batch: Batch) -> Result<(), String>;
}

/// Lines for the operator.
pub trait LogSink: Send {
    fn write(&mut self, level: Level, message: &str);
}
