//! A process with all that it has started, and what that has started, as `/proc` tells it. Whose parent has ended is
//! given to the supervisor, so that nobody gets out of its family.

use std::{collections::{BTreeMap, BTreeSet}, fs, io, thread, time::Duration};

use rustix::{param::page_size, process::{Pid, Signal, WaitOptions, getpid, kill_process, wait}};

/// Between two looks at who is still there.
const LOOK: Duration = Duration::from_millis(5);

/// Looks, after which who is still there cannot be killed: it hangs in the kernel.
const MAX_LOOKS: u32 = 1_000;

/// A process that this one has started, directly or not.
pub struct Member {
    pub pid: Pid,
    /// Bytes of memory that it has.
    pub resident: u64,
}

/// All that this process has started and that was not waited for.
pub fn descendants() -> io::Result<Vec<Member>> {
    let mut children: BTreeMap<i32, Vec<(i32, u64)>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // It may end while it is looked at.
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
                found.extend(Pid::from_raw(*pid).map(|pid| Member { pid, resident: *resident }));
            }
        }
    }
    Ok(found)
}

/// The parent and the memory of a process, by its line in `stat`.
fn parse(stat: &[u8]) -> Option<(i32, u64)> {
    // The name, in brackets, may hold anything.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let pages: u64 = fields.get(21)?.parse().ok()?;
    Some((fields.get(1)?.parse().ok()?, pages * page_size() as u64))
}

/// Kills everything that this process has started, until nothing is left of it.
pub fn end() {
    for _ in 0..MAX_LOOKS {
        // Who has no child any more has nobody below them either.
        while match wait(WaitOptions::NOHANG) {
            Ok(reaped) => reaped.is_some(),
            Err(_) => return,
        } {}
        for member in descendants().unwrap_or_default() {
            // It may have ended meanwhile.
            let _gone = kill_process(member.pid, Signal::KILL);
        }
        thread::sleep(LOOK);
    }
}
