//! A scan and its states, which change as time passes. The current time is an argument.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::{reply::Refusal, settings::Settings};

/// Time since the server started.
pub type ServerTime = Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(pub u64);

/// The states of scans that this server supports, of the many that Nessus has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Empty,
    Pending,
    Running,
    Pausing,
    Paused,
    Resuming,
    Stopping,
    Completed,
    Canceled,
    Aborted,
}

impl State {
    /// Whether the scan was launched and has not ended.
    pub fn is_active(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Pausing | Self::Paused | Self::Resuming | Self::Stopping => true,
            Self::Empty | Self::Completed | Self::Canceled | Self::Aborted => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Resuming => "resuming",
            Self::Stopping => "stopping",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
        })
    }
}

/// A scan, with all its launches.
#[derive(Debug)]
pub struct Scan {
    pub id: ScanId,
    pub name: String,
    pub description: String,
    pub targets: String,
    /// Whether the scan has credentials for its targets.
    pub has_credentials: bool,
    pub folder: u64,
    pub created: ServerTime,
    pub modified: ServerTime,
    pub marker: String,
    pub body: Value,
    /// The last run is the present one, and those before it have ended.
    pub runs: Vec<Run>,
}

impl Scan {
    pub fn state(&self, durations: &Durations, now: ServerTime) -> State {
        self.runs.last().map_or(State::Empty, |run| run.state(durations, now))
    }

    /// Launches the scan. A scan that has ended runs again, so a launch is not idempotent.
    pub fn launch(&mut self, run: Run, durations: &Durations) -> Result<(), Refusal> {
        if self.state(durations, run.launched).is_active() {
            return Err(Refusal::conflict("Scan is already running"));
        }
        self.modified = run.launched;
        self.runs.push(run);
        Ok(())
    }

    pub fn command(&mut self, command: Command, durations: &Durations, now: ServerTime) -> Result<(), Refusal> {
        let run = self.runs.last_mut().ok_or(Refusal::conflict("Scan is not running"))?;
        run.apply(command, durations, now)?;
        self.modified = now;
        Ok(())
    }

    /// The names of the hosts, in the order in which they are scanned.
    pub fn hosts(&self, count: Option<usize>) -> Vec<String> {
        let named: Vec<&str> = self.targets.split([',', ' ', '\n']).filter(|entry| !entry.is_empty()).collect();
        let count = count.unwrap_or(named.len());
        (0..count)
            .map(|i| named.get(i).map_or_else(|| format!("host-{i}.example"), |name| (*name).to_owned()))
            .collect()
    }
}

/// The durations of the phases of a scan.
#[derive(Clone, Copy, Debug)]
pub struct Durations {
    queue: Duration,
    work: Duration,
    settle: Duration,
}

impl From<&Settings> for Durations {
    fn from(settings: &Settings) -> Self {
        Self { queue: settings.queue_duration, work: settings.scan_duration, settle: settings.settle_duration }
    }
}

/// The last command that a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Start,
    Pause,
    Resume,
    Stop,
}

/// How a run ends unless it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnding {
    Completes,
    Aborts,
}

/// A run, which is the result of one launch. It makes progress only while it is neither paused nor stopped.
#[derive(Debug)]
pub struct Run {
    pub uuid: String,
    pub launched: ServerTime,
    ending: RunEnding,
    command: Command,
    commanded: ServerTime,
    /// The time for which the run had worked when it got the last command.
    worked: Duration,
}

impl Run {
    pub fn new(uuid: String, ending: RunEnding, now: ServerTime) -> Self {
        Self { uuid, launched: now, ending, command: Command::Start, commanded: now, worked: Duration::ZERO }
    }

    pub fn state(&self, durations: &Durations, now: ServerTime) -> State {
        let is_settling = now.saturating_sub(self.commanded) < durations.settle;
        let worked = self.worked(now);
        if worked >= self.length(durations) {
            return match self.ending {
                RunEnding::Completes => State::Completed,
                RunEnding::Aborts => State::Aborted,
            };
        }
        match self.command {
            Command::Pause if is_settling => State::Pausing,
            Command::Pause => State::Paused,
            Command::Stop if is_settling => State::Stopping,
            Command::Stop => State::Canceled,
            Command::Resume if is_settling => State::Resuming,
            Command::Start | Command::Resume if worked < durations.queue => State::Pending,
            Command::Start | Command::Resume => State::Running,
        }
    }

    /// The progress from 0 to 1.
    pub fn progress(&self, durations: &Durations, now: ServerTime) -> f64 {
        let worked = self.worked(now).min(self.length(durations)).saturating_sub(durations.queue);
        if durations.work.is_zero() { 1.0 } else { (worked.as_secs_f64() / durations.work.as_secs_f64()).min(1.0) }
    }

    /// Whether there is something to export, because the run ended after it had begun.
    pub fn has_results(&self, durations: &Durations, now: ServerTime) -> bool {
        !self.state(durations, now).is_active() && self.worked(now) >= durations.queue
    }

    /// The time at which the run ended, if it did.
    pub fn ended(&self, durations: &Durations, now: ServerTime) -> Option<ServerTime> {
        match self.state(durations, now) {
            State::Completed | State::Aborted => {
                Some(self.commanded + self.length(durations).saturating_sub(self.worked))
            }
            State::Canceled => Some(self.commanded + durations.settle),
            _ => None,
        }
    }

    fn apply(&mut self, command: Command, durations: &Durations, now: ServerTime) -> Result<(), Refusal> {
        let state = self.state(durations, now);
        let is_allowed = match command {
            Command::Start => false,
            Command::Pause => matches!(state, State::Pending | State::Running | State::Resuming),
            Command::Resume => matches!(state, State::Pausing | State::Paused),
            Command::Stop => state.is_active() && state != State::Stopping,
        };
        if !is_allowed {
            return Err(Refusal::conflict("The scan's state does not allow this"));
        }
        (self.worked, self.command, self.commanded) = (self.worked(now), command, now);
        Ok(())
    }

    fn worked(&self, now: ServerTime) -> Duration {
        match self.command {
            Command::Start | Command::Resume => self.worked + now.saturating_sub(self.commanded),
            Command::Pause | Command::Stop => self.worked,
        }
    }

    fn length(&self, durations: &Durations) -> Duration {
        match self.ending {
            RunEnding::Completes => durations.queue + durations.work,
            RunEnding::Aborts => durations.queue + durations.work / 2,
        }
    }
}
