//! The cost of a process: elapsed time, processor time, and memory.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

/// The cost of one run of a process, from start to end.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub time: Duration,
    /// The processor time, summed over all cores.
    pub core_time: Duration,
    /// The peak memory in bytes.
    pub peak_memory: u64,
}

impl Cost {
    /// Runs the command, which has to succeed, and discards its output.
    pub fn measure(command: Command) -> Self {
        Self::measure_with_stdout(command, Stdio::null())
    }

    /// Runs the command, which has to succeed, with this standard output.
    pub fn measure_with_stdout(mut command: Command, stdout: Stdio) -> Self {
        let core_time_before = core_time_of_children();
        let start = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        loop {
            // A process that has ended no longer reports its memory, so the last value before the end is its peak.
            peak = peak_memory(child.id()).unwrap_or(peak);
            if let Some(succeeded) = has_succeeded(&mut child) {
                assert!(succeeded, "{command:?} failed");
                let (time, core_time) = (start.elapsed(), core_time_of_children() - core_time_before);
                return Self { time, core_time, peak_memory: peak };
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Subtracts the times of another cost. At least a microsecond remains, so that it can be divided by.
    pub fn subtract_times(self, other: &Self) -> Self {
        let difference = |all: Duration, part| all.saturating_sub(part).max(Duration::from_micros(1));
        let (time, core_time) = (difference(self.time, other.time), difference(self.core_time, other.core_time));
        Self { time, core_time, ..self }
    }
}

/// Returns whether the process succeeded, or none while it runs.
fn has_succeeded(child: &mut Child) -> Option<bool> {
    Some(child.try_wait().unwrap()?.success())
}

/// The memory that the process uses now, in bytes.
pub fn memory(process: u32) -> u64 {
    status_entry(process, "VmRSS:").unwrap()
}

/// The peak memory of the process since it started, in bytes; none once the process has ended.
pub fn peak_memory(process: u32) -> Option<u64> {
    status_entry(process, "VmHWM:")
}

/// Returns an entry of `/proc/<process>/status` in bytes.
fn status_entry(process: u32, key: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes: u64 =
        status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

/// The processor time of all ended child processes of this process.
fn core_time_of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Duration::from_micros(micros.try_into().unwrap())
}
