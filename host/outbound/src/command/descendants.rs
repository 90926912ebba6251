//! The descendants of this process, read from `/proc`. A process whose parent has ended becomes a child of the
//! supervisor, so that no descendant escapes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io, thread,
    time::Duration,
};

use rustix::{
    param::page_size,
    process::{Pid, Signal, WaitOptions, getpid, kill_process, wait},
};

/// The time between two looks at which descendants are left.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How often to look. A process that is left after that cannot be killed: it hangs in the kernel.
const MAX_POLLS: u32 = 1_000;

/// A process that this one started, directly or indirectly.
pub struct Descendant {
    pub pid: Pid,
    /// Its resident memory in bytes.
    pub resident: u64,
}

/// All descendants of this process that were not waited for.
pub fn descendants() -> io::Result<Vec<Descendant>> {
    let mut children: BTreeMap<i32, Vec<(i32, u64)>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // The process may have ended meanwhile.
        let Some((parent, resident)) = parse(&fs::read(format!("/proc/{pid}/stat")).unwrap_or_default()) else {
            continue;
        };
        children.entry(parent).or_default().push((pid, resident));
    }
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let mut parents = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for (pid, resident) in children.get(&parent).into_iter().flatten() {
            if seen.insert(*pid) {
                parents.push(*pid);
                found.extend(Pid::from_raw(*pid).map(|pid| Descendant { pid, resident: *resident }));
            }
        }
    }
    Ok(found)
}

/// The parent and the memory in bytes of a process, from its line in `stat`.
fn parse(stat: &[u8]) -> Option<(i32, u64)> {
    // The name, in brackets, may contain any characters.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let pages: u64 = fields.get(21)?.parse().ok()?;
    Some((fields.get(1)?.parse().ok()?, pages * page_size() as u64))
}

/// Kills all descendants of this process, until none is left.
pub fn kill_all() {
    for _ in 0..MAX_POLLS {
        // A process without children has no descendants either.
        while match wait(WaitOptions::NOHANG) {
            Ok(reaped) => reaped.is_some(),
            Err(_) => return,
        } {}
        for descendant in descendants().unwrap_or_default() {
            // The process may have ended meanwhile.
            let _gone = kill_process(descendant.pid, Signal::KILL);
        }
        thread::sleep(POLL_INTERVAL);
    }
}
