//! What a host and a supervisor say to each other: one order on the way in, then beats for as long as the host has the
//! scan, and one verdict on the way out.

use std::{fs::{File, OpenOptions}, io, os::unix::fs::OpenOptionsExt as _, path::{Path, PathBuf}, time::Duration};

use scanhost_config::CommandLimits;
use scanhost_sandbox::capability::Limit;
use serde::{Deserialize, Serialize};

/// What to run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// All of the environment.
    pub env: Vec<(String, String)>,
    pub scratch: Scratch,
    pub bounds: Bounds,
    /// Without a beat for so long the host is taken for dead; None: only when its pipe closes.
    pub patience: Option<Duration>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bounds {
    pub time: Duration,
    pub memory: u64,
    pub output: u64,
    pub processes: u32,
}

impl From<&CommandLimits> for Bounds {
    fn from(limits: &CommandLimits) -> Self {
        let CommandLimits { time, memory, output, processes } = *limits;
        Self { time, memory, output, processes }
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Exited(u8),
    Signalled(u8),
    Exceeded(Excess),
    /// With the reason.
    NotExecuted(String),
    /// The host wanted it to end, or is gone.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Excess {
    Time,
    Memory,
    Output,
    Processes,
}

impl From<Excess> for Limit {
    fn from(excess: Excess) -> Self {
        match excess {
            Excess::Time => Self::Time,
            Excess::Memory => Self::Memory,
            Excess::Output => Self::Output,
            Excess::Processes => Self::Processes,
        }
    }
}

/// The folder of one run. What the program writes by itself is in a folder within, so that it cannot be taken for what
/// the host keeps here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where the program begins.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Its standard output.
    pub fn output(&self) -> PathBuf {
        self.0.join("output")
    }

    /// Its standard error.
    pub fn errors(&self) -> PathBuf {
        self.0.join("errors")
    }

    /// What the scan is pointed at.
    pub fn targets(&self) -> PathBuf {
        self.0.join("targets")
    }
}

/// A new file that nobody else may read.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
