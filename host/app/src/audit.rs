//! The audit log: who asked for what, when, from where, and what came of it. One JSON object a line, a file a day in the
//! data folder. It holds no secret and nothing that a scanner reported. Writing never holds a call up.

pub mod writer;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use jiff::Timestamp;
use scanhost_system::clock;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc;

use crate::refusal::Refusal;

/// Entries that may wait to be written. More than that only wait on a disk that takes nothing.
const WAITING: usize = 65_536;

/// One request. Fields that do not apply are left out.
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
    /// Makes an entry with the present time. Long names are shortened.
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

    /// Adds the arguments that the audit log keeps.
    pub fn about(mut self, arguments: &Map<String, Json>) -> Self {
        let argument = |name: &str| arguments.get(name).and_then(Json::as_str).map(shortened);
        self.task_id = argument("task_id");
        self.scanner_pool = argument("scanner_pool");
        self.targets = argument("targets");
        self
    }

    /// Adds the outcome, and the scan that it is about.
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

/// Tools that clients call again and again while they wait.
const POLLS: [&str; 4] = ["get_scan_status", "wait_for_scan", "get_pool_status", "get_queue_status"];

impl Entry {
    fn is_poll(&self) -> bool {
        self.outcome == "ok" && POLLS.contains(&self.action.as_str())
    }
}

/// Shortens a text to what the audit log keeps.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 256;
    text.chars().take(LONGEST).collect()
}

/// Takes entries; [`writer::run`] writes them.
pub struct Audit {
    entries: mpsc::Sender<Entry>,
    waiting: Mutex<Option<mpsc::Receiver<Entry>>>,
    lost: AtomicU64,
    keeps_polls: AtomicBool,
}

impl Default for Audit {
    fn default() -> Self {
        let (entries, waiting) = mpsc::channel(WAITING);
        Self {
            entries,
            waiting: Mutex::new(Some(waiting)),
            lost: AtomicU64::new(0),
            keeps_polls: AtomicBool::new(false),
        }
    }
}

impl Audit {
    pub fn keep_polls(&self, keep: bool) {
        self.keeps_polls.store(keep, Ordering::Relaxed);
    }

    /// Takes the entry. An entry that finds no room is counted as lost, which the log says. A call that only looks how
    /// far a scan is, and gets an answer, is left out unless the configuration wants it.
    pub fn note(&self, entry: Entry) {
        if entry.is_poll() && !self.keeps_polls.load(Ordering::Relaxed) {
            return;
        }
        if self.entries.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The entries as they come.
    ///
    /// # Panics
    /// On the second call: the audit log has one writer.
    fn take_entries(&self) -> mpsc::Receiver<Entry> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.expect("the audit log has one writer")
    }

    /// How many entries were lost since the last call.
    fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}
