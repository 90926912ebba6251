//! One scan, and the states that it goes through by itself as time passes. Time is passed in.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::{reply::Refusal, settings::Settings};

/// Time since the server started.
pub type Moment = Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(pub u64);

/// The states that this server shows, of the many that there are.
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
    /// Launched, and not at its end.
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

/// A scan as it was created, and its launches.
#[derive(Debug)]
pub struct Scan {
    pub id: ScanId,
    pub name: String,
    pub description: String,
    pub targets: String,
    /// Logs in to its targets.
    pub has_credentials: bool,
    pub folder: u64,
    pub created: Moment,
    pub modified: Moment,
    pub marker: String,
    pub body: Value,
    /// The last one is the present one; those before it have ended.
    pub runs: Vec<Run>,
}

impl Scan {
    pub fn state(&self, pace: &Pace, now: Moment) -> State {
        self.runs.last().map_or(State::Empty, |run| run.state(pace, now))
    }

    /// Runs again what has ended: a launch is not idempotent.
    pub fn launch(&mut self, run: Run, pace: &Pace) -> Result<(), Refusal> {
        if self.state(pace, run.launched).is_active() {
            return Err(Refusal::conflict("Scan is already running"));
        }
        self.modified = run.launched;
        self.runs.push(run);
        Ok(())
    }

    pub fn order(&mut self, order: Order, pace: &Pace, now: Moment) -> Result<(), Refusal> {
        let run = self.runs.last_mut().ok_or(Refusal::conflict("Scan is not running"))?;
        run.obey(order, pace, now)?;
        self.modified = now;
        Ok(())
    }

    /// Its hosts' names, in the order in which they are scanned.
    pub fn hosts(&self, count: Option<usize>) -> Vec<String> {
        let named: Vec<&str> = self.targets.split([',', ' ', '\n']).filter(|entry| !entry.is_empty()).collect();
        let count = count.unwrap_or(named.len());
        (0..count)
            .map(|i| named.get(i).map_or_else(|| format!("host-{i}.example"), |name| (*name).to_owned()))
            .collect()
    }
}

/// How long the parts of a scan take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    queue: Duration,
    work: Duration,
    settle: Duration,
}

impl From<&Settings> for Pace {
    fn from(settings: &Settings) -> Self {
        Self { queue: settings.queue_duration, work: settings.scan_duration, settle: settings.settle_duration }
    }
}

/// What a run was last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Start,
    Pause,
    Resume,
    Stop,
}

/// How a run ends if nobody stops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Completes,
    Aborts,
}

/// One launch. Time counts for it only while it is neither paused nor stopped.
#[derive(Debug)]
pub struct Run {
    pub uuid: String,
    pub launched: Moment,
    fate: Fate,
    order: Order,
    ordered: Moment,
    /// What it had done when the last order came.
    worked: Duration,
}

impl Run {
    pub fn new(uuid: String, fate: Fate, now: Moment) -> Self {
        Self { uuid, launched: now, fate, order: Order::Start, ordered: now, worked: Duration::ZERO }
    }

    pub fn state(&self, pace: &Pace, now: Moment) -> State {
        let settles = now.saturating_sub(self.ordered) < pace.settle;
        let worked = self.worked(now);
        if worked >= self.length(pace) {
            return match self.fate {
                Fate::Completes => State::Completed,
                Fate::Aborts => State::Aborted,
            };
        }
        match self.order {
            Order::Pause if settles => State::Pausing,
            Order::Pause => State::Paused,
            Order::Stop if settles => State::Stopping,
            Order::Stop => State::Canceled,
            Order::Resume if settles => State::Resuming,
            Order::Start | Order::Resume if worked < pace.queue => State::Pending,
            Order::Start | Order::Resume => State::Running,
        }
    }

    /// The part that is done, from 0 to 1.
    pub fn progress(&self, pace: &Pace, now: Moment) -> f64 {
        let worked = self.worked(now).min(self.length(pace)).saturating_sub(pace.queue);
        if pace.work.is_zero() { 1.0 } else { (worked.as_secs_f64() / pace.work.as_secs_f64()).min(1.0) }
    }

    /// There is something to export: it ended, after it had begun.
    pub fn has_results(&self, pace: &Pace, now: Moment) -> bool {
        !self.state(pace, now).is_active() && self.worked(now) >= pace.queue
    }

    /// When it ended, if it did.
    pub fn ended(&self, pace: &Pace, now: Moment) -> Option<Moment> {
        match self.state(pace, now) {
            State::Completed | State::Aborted => Some(self.ordered + self.length(pace).saturating_sub(self.worked)),
            State::Canceled => Some(self.ordered + pace.settle),
            _ => None,
        }
    }

    fn obey(&mut self, order: Order, pace: &Pace, now: Moment) -> Result<(), Refusal> {
        let state = self.state(pace, now);
        let fits = match order {
            Order::Start => false,
            Order::Pause => matches!(state, State::Pending | State::Running | State::Resuming),
            Order::Resume => matches!(state, State::Pausing | State::Paused),
            Order::Stop => state.is_active() && state != State::Stopping,
        };
        if !fits {
            return Err(Refusal::conflict("The scan's state does not allow this"));
        }
        (self.worked, self.order, self.ordered) = (self.worked(now), order, now);
        Ok(())
    }

    fn worked(&self, now: Moment) -> Duration {
        match self.order {
            Order::Start | Order::Resume => self.worked + now.saturating_sub(self.ordered),
            Order::Pause | Order::Stop => self.worked,
        }
    }

    fn length(&self, pace: &Pace) -> Duration {
        match self.fate {
            Fate::Completes => pace.queue + pace.work,
            Fate::Aborts => pace.queue + pace.work / 2,
        }
    }
}
