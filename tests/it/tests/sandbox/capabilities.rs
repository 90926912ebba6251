//! The capabilities of the guests in these tests, which are all in memory and reach no network.

use std::{
    io, mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use scanhost_sandbox::{
    ScannerReach,
    capability::{
        Batch, Downloaded, FindingSink, Http, HttpError, Level, LogSink, ReportReader, ReportWriter, Request, Response,
    },
};

/// A scanner that refuses every request after a delay, and counts the requests.
#[derive(Clone, Default)]
pub struct RefusingScanner {
    pub delay: Duration,
    pub requests: Arc<AtomicUsize>,
}

impl RefusingScanner {
    pub fn with_delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    async fn refuse(&self) -> HttpError {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        HttpError::Denied("as in all tests".into())
    }
}

#[async_trait]
impl Http for RefusingScanner {
    async fn send(&mut self, _request: Request) -> Result<Response, HttpError> {
        Err(self.refuse().await)
    }

    async fn download(&mut self, _request: Request, _report: &mut dyn ReportWriter) -> Result<Downloaded, HttpError> {
        Err(self.refuse().await)
    }
}

/// The lines that a guest has logged.
#[derive(Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<String>>>);

impl LogLines {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl LogSink for LogLines {
    fn write(&mut self, _level: Level, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// A scanner that refuses every request, and a log that is not read.
pub fn no_reach() -> ScannerReach {
    ScannerReach { http: Box::new(RefusingScanner::default()), program: None, log: Box::new(LogLines::default()) }
}

pub fn reach_of(http: &RefusingScanner) -> ScannerReach {
    ScannerReach { http: Box::new(http.clone()), ..no_reach() }
}

pub fn reach_with_log(lines: &LogLines) -> ScannerReach {
    ScannerReach { log: Box::new(lines.clone()), ..no_reach() }
}

/// A report that a guest exports.
#[derive(Clone, Default)]
pub struct ExportedReport(Arc<Mutex<Vec<u8>>>);

impl ExportedReport {
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl ReportWriter for ExportedReport {
    fn restart(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
}

/// A report that a guest parses.
pub struct ReportBytes(pub Vec<u8>);

impl ReportReader for ReportBytes {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let rest = self.0.split_off(max.min(self.0.len()));
        Ok(mem::replace(&mut self.0, rest))
    }
}

/// A finding of a guest, as pairs of field and value.
pub type Finding = Vec<(String, String)>;

/// A sink that accepts a limited number of findings, and then refuses every batch.
#[derive(Clone)]
pub struct FindingList {
    max: usize,
    accepted: Arc<Mutex<Accepted>>,
}

#[derive(Default)]
struct Accepted {
    fields: Vec<String>,
    findings: Vec<Finding>,
    refused: usize,
}

impl FindingList {
    pub fn with_limit(max: usize) -> Self {
        Self { max, accepted: Arc::default() }
    }

    pub fn accepted(&self) -> Vec<Finding> {
        self.accepted.lock().unwrap().findings.clone()
    }

    /// The number of batches that were refused.
    pub fn refused_batches(&self) -> usize {
        self.accepted.lock().unwrap().refused
    }
}

impl FindingSink for FindingList {
    fn emit(&mut self, batch: Batch) -> Result<(), String> {
        let mut accepted = self.accepted.lock().unwrap();
        if accepted.findings.len() + batch.findings.len() > self.max {
            accepted.refused += 1;
            return Err(format!("more than {} findings", self.max));
        }
        accepted.fields.extend(batch.new_fields);
        let mut cells = batch.cells.iter();
        for count in batch.findings {
            let cell = |cell: &scanhost_sandbox::capability::Cell| {
                let value = &batch.arena[cell.offset as usize..][..cell.length as usize];
                (accepted.fields[cell.field as usize].clone(), String::from_utf8(value.to_vec()).unwrap())
            };
            let finding = cells.by_ref().take(count as usize).map(cell).collect();
            accepted.findings.push(finding);
        }
        Ok(())
    }
}
