//! Reports on their way through a backend: written by an export, read by the parser, in whole or odd pieces.

use std::{io, sync::{Arc, Mutex, MutexGuard, PoisonError}};

use scanhost_results::FindingsWriter;
use scanhost_sandbox::{ExportStep, Fault, ParseFailure, ReportInfo, capability::{Batch, FindingSink, ReportReader, ReportWriter}};

use super::{case::{Stop, fail, skip}, rig::{Rig, Scene}, script::ScenarioName};

/// More looks than a scripted scanner needs.
const MAX_STEPS: usize = 20;

/// A report file in memory.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn bytes(&self) -> Vec<u8> {
        locked(&self.0).clone()
    }
}

impl ReportWriter for Written {
    fn restart(&mut self) -> io::Result<()> {
        locked(&self.0).clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        locked(&self.0).extend_from_slice(bytes);
        Ok(())
    }
}

/// How a report is handed to the parser.
#[derive(Clone, Copy)]
pub enum Handing {
    /// As much as it asks for.
    Whole,
    /// One to seven bytes at a time.
    Pieces,
    /// The disk fails after so many bytes.
    FailsAfter(usize),
}

struct Reader {
    bytes: Vec<u8>,
    at: usize,
    handing: Handing,
}

impl ReportReader for Reader {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let size = match self.handing {
            Handing::Whole => max,
            Handing::Pieces => max.min(1 + self.at % 7),
            Handing::FailsAfter(limit) if self.at >= limit => return Err(io::ErrorKind::Other.into()),
            Handing::FailsAfter(limit) => max.min(limit - self.at),
        };
        let end = self.bytes.len().min(self.at + size);
        let piece = self.bytes[self.at..end].to_vec();
        self.at = end;
        Ok(piece)
    }
}

/// Names and values of a finding, in order.
pub type Finding = Vec<(String, String)>;

/// What came of a parse.
pub struct Reading {
    pub answer: Result<Result<ReportInfo, ParseFailure>, Fault>,
    pub findings: Vec<Finding>,
    /// The first rule that a batch broke.
    pub broken_rule: Option<String>,
    /// Batches handed over after the first that was refused.
    pub emitted_after_refusal: usize,
    /// What the host has to say about the values.
    pub warnings: Vec<String>,
}

#[derive(Default)]
struct Taken {
    fields: Vec<String>,
    findings: Vec<Finding>,
    broken_rule: Option<String>,
    refused: bool,
    after_refusal: usize,
}

struct Sink {
    taken: Arc<Mutex<Taken>>,
    /// The host's own, for its rules.
    host: Box<dyn FindingSink>,
    refuses: bool,
}

impl FindingSink for Sink {
    fn emit(&mut self, batch: Batch) -> Result<(), String> {
        let mut taken = locked(&self.taken);
        if taken.refused {
            taken.after_refusal += 1;
        }
        if self.refuses {
            taken.refused = true;
            return Err("the disk is full".into());
        }
        taken.fields.extend(batch.new_fields.iter().cloned());
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let cells = cells.by_ref().take(*count as usize);
            let finding = cells.map(|cell| {
                let name = taken.fields.get(cell.field as usize).cloned().unwrap_or_default();
                let (start, length) = (cell.offset as usize, cell.length as usize);
                let value = batch.arena.get(start..start.saturating_add(length)).unwrap_or_default();
                (name, String::from_utf8_lossy(value).into_owned())
            });
            let finding = finding.collect();
            taken.findings.push(finding);
        }
        self.host.emit(batch).inspect_err(|rule| {
            taken.refused = true;
            taken.broken_rule.get_or_insert_with(|| rule.clone());
        })
    }
}

impl Rig {
    /// Parses these bytes.
    pub async fn read(&self, bytes: &[u8], handing: Handing) -> Result<Reading, Stop> {
        self.parse(bytes, handing, false).await
    }

    /// Parses them where the host takes no batch.
    pub async fn read_refused(&self, bytes: &[u8]) -> Result<Reading, Stop> {
        self.parse(bytes, Handing::Whole, true).await
    }

    async fn parse(&self, bytes: &[u8], handing: Handing, refuses: bool) -> Result<Reading, Stop> {
        let disk = |error: String| Stop::Skip(format!("this machine's disk cannot be used: {error}"));
        let folder = tempfile::tempdir().map_err(|error| disk(error.to_string()))?;
        let writer = FindingsWriter::create(folder.path(), self.backend.description());
        let writer = writer.map_err(|error| disk(error.to_string()))?;
        let taken = Arc::new(Mutex::new(Taken::default()));
        let sink = Sink { taken: taken.clone(), host: writer.sink(), refuses };
        let reader = Reader { bytes: bytes.to_vec(), at: 0, handing };
        let size = bytes.len() as u64;
        let answer = self.backend.parse(Box::new(reader), size, Box::new(sink), None, None).await;
        let warnings = match &answer {
            Ok(Ok(info)) => {
                let summary = writer.finish("kit", info.clone()).map_err(|error| disk(error.to_string()))?;
                summary.warnings.into_iter().map(|warning| warning.message).collect()
            }
            _ => Vec::new(),
        };
        let taken = std::mem::take(&mut *locked(&taken));
        Ok(Reading {
            answer,
            findings: taken.findings,
            broken_rule: taken.broken_rule,
            emitted_after_refusal: taken.after_refusal,
            warnings,
        })
    }

    /// A report of this backend's kind.
    pub async fn sample(&self) -> Result<Vec<u8>, Stop> {
        if let Some(file) = &self.script.report {
            return std::fs::read(file).map_err(|error| Stop::Skip(format!("{}: {error}", file.display())));
        }
        let made = self.launched().await?;
        let scene = self.scene(ScenarioName::Completed, made.sent.clone())?;
        match scene.export(&made.remote).await {
            Ok(bytes) => Ok(bytes),
            Err(_) => skip("there is no sample: the script has no `report`, and `export-report` gave none"),
        }
    }
}

impl Scene<'_> {
    /// Exports to the end, as the host does but for the waiting.
    pub async fn export(&self, remote: &scanhost_sandbox::RemoteScan) -> Result<Vec<u8>, Stop> {
        let report = Written::default();
        let mut cursor = None;
        for _ in 0..MAX_STEPS {
            let context = self.context(&remote.state);
            let writer = Box::new(report.clone());
            let step = self.rig.backend.export_report(self.reach(), writer, context, &remote.id, cursor.as_deref());
            match step.await {
                Ok(Ok(ExportStep::Done)) => return Ok(report.bytes()),
                Ok(Ok(ExportStep::Pending { cursor: next, .. })) => cursor = Some(next),
                Ok(Err(error)) => return fail(format!("`export-report` gave {error:?}")),
                Err(fault) => return fail(format!("`export-report` {fault}")),
            }
        }
        fail(format!("`export-report` was not done after {MAX_STEPS} steps"))
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
