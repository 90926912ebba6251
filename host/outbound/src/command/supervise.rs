//! The process between a host and a program. It starts the program within its limits, looks that it keeps them, and kills
//! it with everything that it has started as soon as the host closes its pipe, which the kernel does for one that was
//! killed.

use std::{fs, io::{self, Read as _}, os::unix::process::CommandExt as _, path::Path, process::{Command, ExitCode, Stdio}, sync::mpsc::{Receiver, RecvTimeoutError, channel}, thread, time::{Duration, Instant}};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process_group, set_child_subreaper, wait};

use super::{confine::{NOT_RUN, NOT_RUN_MARK, close_inherited}, family, order::{Excess, Order, Scratch, Verdict, new_file}, role::{CONFINE, own_program}};

/// Between two looks whether the program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Between two looks at what it uses.
const MEASURE: Duration = Duration::from_millis(200);

/// Signals by which the kernel ends a process at a limit of its own.
const OUT_OF_CPU: i32 = 24;
const FILE_TOO_LARGE: i32 = 25;

/// Files that a program's folder may have. They are looked at again and again.
const MAX_FILES: u64 = 10_000;

/// Reads the order from the standard input, and writes the verdict to the standard output.
pub fn run() -> ExitCode {
    match supervise() {
        Ok(verdict) => {
            // There may be nobody left who wants to know.
            let _gone = serde_json::to_writer(io::stdout(), &verdict);
            ExitCode::SUCCESS
        }
        Err(error) => {
            family::end();
            let _gone = serde_json::to_writer(io::stdout(), &Verdict::NotExecuted(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> io::Result<Verdict> {
    close_inherited()?;
    // Who stops a whole service sends this to all of its processes, and the host says by itself when the time has come.
    nix::sys::signal::SigSet::all().thread_block()?;
    set_child_subreaper(Some(getpid()))?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let leader = start(&order)?;
    let (verdict, is_reaped) = watch(&order, leader, &lifeline())?;
    if !is_reaped {
        // Of itself it may start more while it is killed one by one.
        let _gone = kill_process_group(leader, Signal::KILL);
    }
    family::end();
    Ok(verdict)
}

fn start(order: &Order) -> io::Result<Pid> {
    let (output, errors) = (new_file(&order.scratch.output())?, new_file(&order.scratch.errors())?);
    let mut command = Command::new(own_program());
    command
        .args([CONFINE, &getpid().as_raw_nonzero().to_string(), &serde_json::to_string(&order.bounds)?])
        .arg(&order.program)
        .args(&order.arguments)
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .current_dir(order.scratch.work())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    let child = command.spawn()?;
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("a process without an id"))
}

/// A message for each sign of life of the host; the channel closes when the host's pipe does.
fn lifeline() -> Receiver<()> {
    let (sender, beats) = channel();
    thread::spawn(move || {
        let (mut input, mut bytes) = (io::stdin(), [0; 64]);
        while input.read(&mut bytes).is_ok_and(|length| length > 0) && sender.send(()).is_ok() {}
    });
    beats
}

/// Waits for the end of the program, or for a reason to end it; and whether it has ended by itself.
fn watch(order: &Order, leader: Pid, beats: &Receiver<()>) -> io::Result<(Verdict, bool)> {
    let begun = Instant::now();
    let (mut beaten, mut measured) = (begun, begun);
    loop {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == leader {
                return Ok((verdict(status.exit_status(), status.terminating_signal(), &order.scratch), true));
            }
        }
        match beats.recv_timeout(LOOK) {
            Ok(()) => beaten = Instant::now(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok((Verdict::Stopped, false)),
        }
        if order.patience.is_some_and(|patience| beaten.elapsed() > patience) {
            return Ok((Verdict::Stopped, false));
        }
        if begun.elapsed() > order.bounds.time {
            return Ok((Verdict::Exceeded(Excess::Time), false));
        }
        if measured.elapsed() > MEASURE {
            measured = Instant::now();
            if let Some(excess) = excess(order)? {
                return Ok((Verdict::Exceeded(excess), false));
            }
        }
    }
}

fn verdict(exited: Option<i32>, signalled: Option<i32>, scratch: &Scratch) -> Verdict {
    let narrow = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    match (exited, signalled) {
        (_, Some(OUT_OF_CPU)) => Verdict::Exceeded(Excess::Time),
        (_, Some(FILE_TOO_LARGE)) => Verdict::Exceeded(Excess::Output),
        (_, Some(signal)) => Verdict::Signalled(narrow(signal)),
        (Some(code), None) => match not_run(code, scratch) {
            Some(reason) => Verdict::NotExecuted(reason),
            None => Verdict::Exited(narrow(code)),
        },
        (None, None) => Verdict::Signalled(0),
    }
}

/// Why the program was not run. One that says so itself only deceives about itself.
fn not_run(code: i32, scratch: &Scratch) -> Option<String> {
    if code != i32::from(NOT_RUN) {
        return None;
    }
    let errors = fs::read_to_string(scratch.errors()).ok()?;
    errors.trim_end().strip_prefix(NOT_RUN_MARK).map(str::to_owned)
}

fn excess(order: &Order) -> io::Result<Option<Excess>> {
    let members = family::descendants()?;
    let resident: u64 = members.iter().map(|member| member.resident).sum();
    let (bytes, files) = written(order.scratch.folder());
    Ok(if members.len() as u64 > u64::from(order.bounds.processes) {
        Some(Excess::Processes)
    } else if resident > order.bounds.memory {
        Some(Excess::Memory)
    } else if bytes > order.bounds.output || files > MAX_FILES {
        Some(Excess::Output)
    } else {
        None
    })
}

/// Bytes and number of the files of a folder and those within, as far as they count.
fn written(folder: &Path) -> (u64, u64) {
    let (mut bytes, mut files) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            files += 1;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
            if files > MAX_FILES {
                return (bytes, files);
            }
        }
    }
    (bytes, files)
}
