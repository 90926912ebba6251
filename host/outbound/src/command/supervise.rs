//! The supervisor, a process between the host and a program. It starts the program within its limits, checks that it
//! keeps them, and kills it with its descendants as soon as the pipe from the host closes, which also happens when the
//! host is killed.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process_group, set_child_subreaper, wait};

use super::{
    confine::{NOT_RUN, NOT_RUN_MARK, close_inherited},
    descendants,
    order::{Excess, Order, Scratch, Verdict, new_file},
    role::{CONFINE, own_program},
};

/// The time between two looks at whether the program has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The time between two measurements of what the program uses.
const MEASURE_INTERVAL: Duration = Duration::from_millis(200);

/// SIGXCPU, by which the kernel ends a process at its CPU limit.
const OUT_OF_CPU: i32 = 24;
/// SIGXFSZ, by which the kernel ends a process at its limit for the size of files.
const FILE_TOO_LARGE: i32 = 25;

/// How many files a program's folder may have. All of them are looked at in every measurement.
const MAX_FILES: u64 = 10_000;

/// Reads the order from the standard input, and writes the verdict to the standard output.
pub fn run() -> ExitCode {
    match supervise() {
        Ok(verdict) => {
            // The host may be gone.
            let _gone = serde_json::to_writer(io::stdout(), &verdict);
            ExitCode::SUCCESS
        }
        Err(error) => {
            descendants::kill_all();
            let _gone = serde_json::to_writer(io::stdout(), &Verdict::NotExecuted(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> io::Result<Verdict> {
    close_inherited()?;
    // Stopping a service sends the signal to all of its processes, but only the host decides when a program ends.
    nix::sys::signal::SigSet::all().thread_block()?;
    set_child_subreaper(Some(getpid()))?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let leader = start(&order)?;
    let (verdict, is_reaped) = watch(&order, leader, &lifeline())?;
    if !is_reaped {
        // As a group first: the program could start more processes while they are killed one by one.
        let _gone = kill_process_group(leader, Signal::KILL);
    }
    descendants::kill_all();
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

/// Returns a channel with a message for each sign of life of the host. It closes when the host's pipe does.
fn lifeline() -> Receiver<()> {
    let (sender, beats) = channel();
    thread::spawn(move || {
        let (mut input, mut bytes) = (io::stdin(), [0; 64]);
        while input.read(&mut bytes).is_ok_and(|length| length > 0) && sender.send(()).is_ok() {}
    });
    beats
}

/// Waits for the end of the program, or for a reason to end it. Returns also whether it has ended by itself.
fn watch(order: &Order, leader: Pid, beats: &Receiver<()>) -> io::Result<(Verdict, bool)> {
    let started = Instant::now();
    let (mut last_beat, mut last_measured) = (started, started);
    loop {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == leader {
                return Ok((verdict(status.exit_status(), status.terminating_signal(), &order.scratch), true));
            }
        }
        match beats.recv_timeout(POLL_INTERVAL) {
            Ok(()) => last_beat = Instant::now(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok((Verdict::Stopped, false)),
        }
        if order.patience.is_some_and(|patience| last_beat.elapsed() > patience) {
            return Ok((Verdict::Stopped, false));
        }
        if started.elapsed() > order.bounds.time {
            return Ok((Verdict::Exceeded(Excess::Time), false));
        }
        if last_measured.elapsed() > MEASURE_INTERVAL {
            last_measured = Instant::now();
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

/// Why the program was not run. A program can claim that itself, which affects only its own scan.
fn not_run(code: i32, scratch: &Scratch) -> Option<String> {
    if code != i32::from(NOT_RUN) {
        return None;
    }
    let errors = fs::read_to_string(scratch.errors()).ok()?;
    errors.trim_end().strip_prefix(NOT_RUN_MARK).map(str::to_owned)
}

fn excess(order: &Order) -> io::Result<Option<Excess>> {
    let descendants = descendants::descendants()?;
    let resident: u64 = descendants.iter().map(|descendant| descendant.resident).sum();
    let (bytes, files) = written(order.scratch.folder());
    Ok(if descendants.len() as u64 > u64::from(order.bounds.processes) {
        Some(Excess::Processes)
    } else if resident > order.bounds.memory {
        Some(Excess::Memory)
    } else if bytes > order.bounds.output || files > MAX_FILES {
        Some(Excess::Output)
    } else {
        None
    })
}

/// The bytes and the number of the files in a folder and its subfolders. Counting stops at [`MAX_FILES`].
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
