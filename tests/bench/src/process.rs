//! What a process costs: time, time of a core, memory.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

/// Of one run from start to end.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub time: Duration,
    /// Of all cores together.
    pub core_time: Duration,
    /// Bytes of memory at most.
    pub peak: u64,
}

impl Cost {
    /// Runs the command to its end, which has to be a good one; what it prints is thrown away, its log too.
    pub fn of(command: Command) -> Self {
        Self::printing(command, Stdio::null())
    }

    /// The same with a place for what it prints.
    pub fn printing(mut command: Command, out: Stdio) -> Self {
        let core_time = core_time_of_children();
        let start = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        loop {
            // It gives its memory back when it ends, so the last look tells the peak.
            peak = peak_memory(child.id()).unwrap_or(peak);
            if let Some(status) = ended(&mut child) {
                assert!(status, "{command:?} failed");
                return Self { time: start.elapsed(), core_time: core_time_of_children() - core_time, peak };
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What is left of it without that of another. Never nothing, however little one has to do.
    pub fn less(self, other: &Self) -> Self {
        let left = |all: Duration, part| all.saturating_sub(part).max(Duration::from_micros(1));
        let (time, core_time) = (left(self.time, other.time), left(self.core_time, other.core_time));
        Self { time, core_time, ..self }
    }
}

fn ended(child: &mut Child) -> Option<bool> {
    Some(child.try_wait().unwrap()?.success())
}

/// Bytes that the process has in memory now.
pub fn memory(process: u32) -> u64 {
    status(process, "VmRSS:").unwrap()
}

/// And at most since it started; none once it has ended.
pub fn peak_memory(process: u32) -> Option<u64> {
    status(process, "VmHWM:")
}

fn status(process: u32, key: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes: u64 =
        status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

/// Of all processes that this one has started and that have ended.
fn core_time_of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Duration::from_micros(micros.try_into().unwrap())
}
