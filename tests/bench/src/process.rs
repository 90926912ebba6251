//! What a process costs: time, time of a core, memory.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Of one run from start to end.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub time: Duration,
    /// Of all cores together, in steps of 10 ms.
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
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name in parentheses may have blanks. After it, user and system time of children are fields 13 and 14.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    TICK * (fields[13].parse::<u32>().unwrap() + fields[14].parse::<u32>().unwrap())
}
