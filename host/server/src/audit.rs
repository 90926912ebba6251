//! The audit log: who asked for what, when, from where, and what came of it. One JSON object a line, a file a day in the
//! data folder. It holds no secret and nothing that a scanner reported. Writing never holds a call up.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc;

use crate::{clock, host::Host, refusal::Refusal, telemetry::chain};

const FOLDER: &str = "audit";

/// Entries that may wait to be written. More than that only wait on a disk that takes nothing.
const WAITING: usize = 65_536;

/// Entries that are written at once.
const BATCH: usize = 1_024;

/// Between two looks for files that are too old.
const TIDY_INTERVAL: Duration = Duration::from_secs(3_600);

/// One thing that was asked for. What does not apply is left out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Entry {
    pub time: Timestamp,
    /// The token's name.
    pub caller: String,
    /// How it came: `http`, `stdio`, `socket` from another process of the operator, `shell` in such a process itself.
    pub via: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// A tool's name, or a method's.
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner_pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// `ok`, or the code of the refusal; `forbidden` or `unauthorized` where it is the token,
    /// `input_required` where a person is asked first.
    pub outcome: &'static str,
}

impl Entry {
    /// Of now. Long names are shortened.
    pub fn new(caller: &str, via: &'static str, action: &str, outcome: &'static str) -> Self {
        Self {
            time: clock::now(),
            caller: shortened(caller),
            via,
            peer: None,
            action: shortened(action),
            task_id: None,
            scanner_pool: None,
            targets: None,
            resource: None,
            trace_id: None,
            outcome,
        }
    }

    /// What was asked for, by the names that tools have for it.
    pub fn about(mut self, arguments: &Map<String, Json>) -> Self {
        let argument = |name: &str| arguments.get(name).and_then(Json::as_str).map(shortened);
        self.task_id = argument("task_id");
        self.scanner_pool = argument("scanner_pool");
        self.targets = argument("targets");
        self
    }

    /// What came of it, and of which scan that is.
    pub fn answered(mut self, reply: Result<Option<&Json>, &Refusal>) -> Self {
        match reply {
            Ok(reply) => {
                let text = |name: &str| Some(reply?.get(name)?.as_str()?.to_owned());
                self.task_id = text("task_id").or(self.task_id);
                self.scanner_pool = text("scanner_pool").or(self.scanner_pool);
                self.trace_id = text("trace_id");
            }
            Err(refusal) => self.outcome = refusal.code.name(),
        }
        self
    }
}

/// What the audit log keeps of a text.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 256;
    text.chars().take(LONGEST).collect()
}

/// Takes entries; [`run`] writes them.
pub struct Audit {
    entries: mpsc::Sender<Entry>,
    waiting: Mutex<Option<mpsc::Receiver<Entry>>>,
    lost: AtomicU64,
}

impl Default for Audit {
    fn default() -> Self {
        let (entries, waiting) = mpsc::channel(WAITING);
        Self { entries, waiting: Mutex::new(Some(waiting)), lost: AtomicU64::new(0) }
    }
}

impl Audit {
    /// Notes it. An entry that finds no room is counted as lost, which the log says.
    pub fn note(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes what is noted, until shutdown, and then what is left.
pub async fn run(host: Arc<Host>) {
    let waiting = host.audit.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut waiting = waiting.expect("the audit log has one writer");
    let folder = host.data.join(FOLDER);
    let mut tidied = None;
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            _ = waiting.recv_many(&mut batch, BATCH) => {}
            () = host.shutdown.cancelled() => waiting.close(),
        }
        if batch.is_empty() && waiting.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let oldest = tidied.is_none_or(|last: tokio::time::Instant| last.elapsed() > TIDY_INTERVAL).then(|| {
            tidied = Some(tokio::time::Instant::now());
            let kept = jiff::SignedDuration::try_from(host.snapshot.load().config.retention.audit);
            kept.ok().and_then(|kept| clock::now().checked_sub(kept).ok()).map(day)
        });
        let folder = folder.clone();
        let lost = host.audit.lost.swap(0, Ordering::Relaxed);
        let writing = host.tasks.spawn_blocking(move || {
            if let Some(oldest) = oldest.flatten() {
                remove_before(&folder, oldest);
            }
            append(&folder, &batch).inspect_err(|_| {
                tracing::error!(entries = batch.len(), "entries of the audit log are lost");
            })
        });
        match writing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = chain(&error), "the audit log cannot be written"),
            Err(error) => tracing::error!(error = chain(&error), "the audit log cannot be written"),
        }
        if lost > 0 {
            tracing::error!(lost, "entries of the audit log are lost, since the disk is too slow for them");
        }
    }
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Appends whole lines, in one write for each file, so that several processes can share it.
fn append(folder: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let date = day(first.time);
        let (same, later) = rest.split_at(rest.iter().take_while(|entry| day(entry.time) == date).count());
        let mut lines = Vec::new();
        for entry in same {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        open(folder, date)?.write_all(&lines)?;
        rest = later;
    }
    Ok(())
}

fn open(folder: &Path, date: Date) -> io::Result<File> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(file(folder, date))
}

fn file(folder: &Path, date: Date) -> PathBuf {
    folder.join(format!("{date}.jsonl"))
}

/// Removes the files of days before this one. Whatever else lies in the folder stays.
fn remove_before(folder: &Path, oldest: Date) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let date = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<Date>().ok());
        if date.is_some_and(|date| date < oldest && path == file(folder, date))
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(file = %path.display(), error = chain(&error), "an old audit log could not be removed");
        }
    }
}

#[cfg(test)]
mod tests;
