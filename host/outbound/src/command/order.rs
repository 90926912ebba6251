//! What a host and a supervisor send each other: the host sends one order, and then beats for as long as it has the scan;
//! the supervisor sends one verdict.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use scanhost_config::CommandLimits;
use scanhost_sandbox::capability::Limit;
use serde::{Deserialize, Serialize};

/// What to run, and within which bounds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    pub scratch: Scratch,
    pub bounds: Bounds,
    /// The time without a beat after which the host counts as dead. If it is none, only a closed pipe counts.
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
    /// The program could not be executed, for this reason.
    NotExecuted(String),
    /// The host stopped the program, or has ended itself.
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

/// The folder of one run of a program. The program's own files are in a folder within, so that they cannot be mistaken
/// for those of the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The working directory of the program.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// The file of the program's standard output.
    pub fn output(&self) -> PathBuf {
        self.0.join("output")
    }

    /// The file of the program's standard error.
    pub fn errors(&self) -> PathBuf {
        self.0.join("errors")
    }

    /// The file of the scan's targets.
    pub fn targets(&self) -> PathBuf {
        self.0.join("targets")
    }
}

/// Creates a file that no other user may read.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
