//! Reports on their way through a backend: written by an export, and read by the parser in pieces of various sizes.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use scanhost_results::FindingsWriter;
use scanhost_sandbox::{
    ExportStep, Fault, ParseFailure, ReportInfo,
    capability::{Batch, FindingSink, ReportReader, ReportWriter},
};

use super::{
    case::{Stop, fail, skip},
    rig::{Rig, Stage},
    script::ScenarioName,
};

/// The most calls of one export, which is more than a scripted scanner needs.
const MAX_STEPS: usize = 20;

/// A report file in memory.
#[derive(Clone, Default)]
pub struct ReportBuffer(Arc<Mutex<Vec<u8>>>);

impl ReportBuffer {
    pub fn bytes(&self) -> Vec<u8> {
        locked(&self.0).clone()
    }
}

impl ReportWriter for ReportBuffer {
    fn restart(&mut self) -> io::Result<()> {
        locked(&self.0).clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        locked(&self.0).extend_from_slice(bytes);
        Ok(())
    }
}

/// How a report is delivered to the parser.
#[derive(Clone, Copy)]
pub enum Delivery {
    /// Each read returns as many bytes as it asks for.
    Whole,
    /// Each read returns one to seven bytes.
    Pieces,
    /// Reading fails after this many bytes.
    FailsAfter(usize),
}

struct Reader {
    bytes: Vec<u8>,
    at: usize,
    delivery: Delivery,
}

impl ReportReader for Reader {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let size = match self.delivery {
            Delivery::Whole => max,
            Delivery::Pieces => max.min(1 + self.at % 7),
            Delivery::FailsAfter(limit) if self.at >= limit => return Err(io::ErrorKind::Other.into()),
            Delivery::FailsAfter(limit) => max.min(limit - self.at),
        };
        let end = self.bytes.len().min(self.at + size);
        let piece = self.bytes[self.at..end].to_vec();
        self.at = end;
        Ok(piece)
    }
}

/// The names and values of a finding, in order.
pub type Finding = Vec<(String, String)>;

/// The result of a parse.
pub struct ParseResult {
    pub answer: Result<Result<ReportInfo, ParseFailure>, Fault>,
    pub findings: Vec<Finding>,
    /// The first rule that a batch broke.
    pub broken_rule: Option<String>,
    /// How many batches were emitted after the first refused one.
    pub emitted_after_refusal: usize,
    /// The host's warnings about the values.
    pub warnings: Vec<String>,
}

#[derive(Default)]
struct Emitted {
    fields: Vec<String>,
    findings: Vec<Finding>,
    broken_rule: Option<String>,
    refused: bool,
    after_refusal: usize,
}

struct Sink {
    emitted: Arc<Mutex<Emitted>>,
    /// The host's own sink, which checks the rules.
    host: Box<dyn FindingSink>,
    refuses: bool,
}

impl FindingSink for Sink {
    fn emit(&mut self, batch: Batch) -> Result<(), String> {
        let mut emitted = locked(&self.emitted);
        if emitted.refused {
            emitted.after_refusal += 1;
        }
        if self.refuses {
            emitted.refused = true;
            return Err("the disk is full".into());
        }
        emitted.fields.extend(batch.new_fields.iter().cloned());
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let cells = cells.by_ref().take(*count as usize);
            let finding = cells.map(|cell| {
                let name = emitted.fields.get(cell.field as usize).cloned().unwrap_or_default();
                let (start, length) = (cell.offset as usize, cell.length as usize);
                let value = batch.arena.get(start..start.saturating_add(length)).unwrap_or_default();
                (name, String::from_utf8_lossy(value).into_owned())
            });
            let finding = finding.collect();
            emitted.findings.push(finding);
        }
        self.host.emit(batch).inspect_err(|rule| {
            emitted.refused = true;
            emitted.broken_rule.get_or_insert_with(|| rule.clone());
        })
    }
}

impl Rig {
    /// Parses the bytes.
    pub async fn read(&self, bytes: &[u8], delivery: Delivery) -> Result<ParseResult, Stop> {
        self.parse(bytes, delivery, false).await
    }

    /// Parses the bytes while the host refuses every batch.
    pub async fn read_refused(&self, bytes: &[u8]) -> Result<ParseResult, Stop> {
        self.parse(bytes, Delivery::Whole, true).await
    }

    async fn parse(&self, bytes: &[u8], delivery: Delivery, refuses: bool) -> Result<ParseResult, Stop> {
        let disk = |error: String| Stop::Skip(format!("cannot write to the disk of this machine: {error}"));
        let folder = tempfile::tempdir().map_err(|error| disk(error.to_string()))?;
        let writer = FindingsWriter::create(folder.path(), self.backend.description());
        let writer = writer.map_err(|error| disk(error.to_string()))?;
        let emitted = Arc::new(Mutex::new(Emitted::default()));
        let sink = Sink { emitted: emitted.clone(), host: writer.sink(), refuses };
        let reader = Reader { bytes: bytes.to_vec(), at: 0, delivery };
        let size = bytes.len() as u64;
        let answer = self.backend.parse(Box::new(reader), size, Box::new(sink), None, None).await;
        let warnings = match &answer {
            Ok(Ok(info)) => {
                let summary = writer.finish("kit", info.clone()).map_err(|error| disk(error.to_string()))?;
                summary.warnings.into_iter().map(|warning| warning.message).collect()
            }
            _ => Vec::new(),
        };
        let emitted = std::mem::take(&mut *locked(&emitted));
        Ok(ParseResult {
            answer,
            findings: emitted.findings,
            broken_rule: emitted.broken_rule,
            emitted_after_refusal: emitted.after_refusal,
            warnings,
        })
    }

    /// A report that this backend should be able to read.
    pub async fn sample(&self) -> Result<Vec<u8>, Stop> {
        if let Some(file) = &self.script.report {
            return std::fs::read(file)
                .map_err(|error| Stop::Skip(format!("the sample {} cannot be read: {error}", file.display())));
        }
        let created = self.launched().await?;
        let stage = self.stage(ScenarioName::Completed, created.sent.clone())?;
        match stage.export(&created.remote).await {
            Ok(bytes) => Ok(bytes),
            Err(_) => skip("there is no sample report: the script has no `report`, and `export-report` returned none"),
        }
    }
}

impl Stage<'_> {
    /// Exports to the end as the host does, but without waiting.
    pub async fn export(&self, remote: &scanhost_sandbox::RemoteScan) -> Result<Vec<u8>, Stop> {
        let report = ReportBuffer::default();
        let mut cursor = None;
        for _ in 0..MAX_STEPS {
            let context = self.context(&remote.state);
            let writer = Box::new(report.clone());
            let step = self.rig.backend.export_report(self.reach(), writer, context, &remote.id, cursor.as_deref());
            match step.await {
                Ok(Ok(ExportStep::Done)) => return Ok(report.bytes()),
                Ok(Ok(ExportStep::Pending { cursor: next, .. })) => cursor = Some(next),
                Ok(Err(error)) => return fail(format!("`export-report` returned {error:?}")),
                Err(fault) => return fail(format!("`export-report` {fault}")),
            }
        }
        fail(format!("`export-report` was not done after {MAX_STEPS} calls"))
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
