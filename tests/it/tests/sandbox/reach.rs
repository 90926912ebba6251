//! What the guests of these tests may reach: everything in memory, nothing on a network.

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

/// A scanner that takes its time and then refuses every request.
#[derive(Clone, Default)]
pub struct Refusing {
    pub after: Duration,
    pub requests: Arc<AtomicUsize>,
}

impl Refusing {
    pub fn after(after: Duration) -> Self {
        Self { after, ..Self::default() }
    }

    async fn refuse(&self) -> HttpError {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.after.is_zero() {
            tokio::time::sleep(self.after).await;
        }
        HttpError::Denied("as in all tests".into())
    }
}

#[async_trait]
impl Http for Refusing {
    async fn send(&mut self, _request: Request) -> Result<Response, HttpError> {
        Err(self.refuse().await)
    }

    async fn download(&mut self, _request: Request, _report: &mut dyn ReportWriter) -> Result<Downloaded, HttpError> {
        Err(self.refuse().await)
    }
}

/// Lines that a guest has logged.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl LogSink for Lines {
    fn write(&mut self, _level: Level, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// A scanner that refuses, and a log that nobody reads.
pub fn nothing() -> ScannerReach {
    ScannerReach { http: Box::new(Refusing::default()), program: None, log: Box::new(Lines::default()) }
}

pub fn scanner(http: &Refusing) -> ScannerReach {
    ScannerReach { http: Box::new(http.clone()), ..nothing() }
}

pub fn log(lines: &Lines) -> ScannerReach {
    ScannerReach { log: Box::new(lines.clone()), ..nothing() }
}

/// A report while it is exported.
#[derive(Clone, Default)]
pub struct Report(Arc<Mutex<Vec<u8>>>);

impl Report {
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl ReportWriter for Report {
    fn restart(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
}

/// A report while it is parsed.
pub struct Bytes(pub Vec<u8>);

impl ReportReader for Bytes {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let rest = self.0.split_off(max.min(self.0.len()));
        Ok(mem::replace(&mut self.0, rest))
    }
}

/// A finding as a guest gave it: field and value.
pub type Finding = Vec<(String, String)>;

/// Findings up to a number; then every batch is refused.
#[derive(Clone)]
pub struct Findings {
    max: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    fields: Vec<String>,
    findings: Vec<Finding>,
    refused: usize,
}

impl Findings {
    pub fn up_to(max: usize) -> Self {
        Self { max, taken: Arc::default() }
    }

    pub fn taken(&self) -> Vec<Finding> {
        self.taken.lock().unwrap().findings.clone()
    }

    /// How many batches were refused.
    pub fn refused(&self) -> usize {
        self.taken.lock().unwrap().refused
    }
}

impl FindingSink for Findings {
    fn emit(&mut self, batch: Batch) -> Result<(), String> {
        let mut taken = self.taken.lock().unwrap();
        if taken.findings.len() + batch.findings.len() > self.max {
            taken.refused += 1;
            return Err(format!("more than {} findings", self.max));
        }
        taken.fields.extend(batch.new_fields);
        let mut cells = batch.cells.iter();
        for count in batch.findings {
            let cell = |cell: &scanhost_sandbox::capability::Cell| {
                let value = &batch.arena[cell.offset as usize..][..cell.length as usize];
                (taken.fields[cell.field as usize].clone(), String::from_utf8(value.to_vec()).unwrap())
            };
            let finding = cells.by_ref().take(count as usize).map(cell).collect();
            taken.findings.push(finding);
        }
        Ok(())
    }
}
