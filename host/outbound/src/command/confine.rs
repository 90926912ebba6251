//! The last step before a program runs: this process sets its own limits and then becomes the program.

use std::{
    convert::Infallible,
    ffi::{CString, OsString},
    fs, io,
    os::unix::ffi::OsStringExt as _,
    process::ExitCode,
};

use nix::sys::signal::SigSet;
use rustix::{
    process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit},
    thread::set_no_new_privs,
};
use tokio::signal::unix::{SignalKind, signal};

use super::order::Bounds;

/// The exit code when the program could not be run.
pub const NOT_RUN: u8 = 125;
/// How standard error begins when the program could not be run.
pub const NOT_RUN_MARK: &str = "scanhost: not run: ";

/// How many files a program may have open.
const MAX_FILES: u64 = 4_096;

/// The arguments are the supervisor's process id, the bounds as JSON, and the program with its own arguments.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Err(reason) = become_program(arguments);
    eprintln!("{NOT_RUN_MARK}{reason}");
    ExitCode::from(NOT_RUN)
}

fn become_program(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Infallible> {
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("only scanhost itself may start this helper"));
    let (supervisor, bounds, program) = (next()?, next()?, next()?);
    let bounds: Bounds = serde_json::from_slice(bounds.as_encoded_bytes())?;
    close_inherited()?;
    set_no_new_privs(true)?;
    limit(&bounds)?;
    // The program has to end even if the supervisor is killed.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = Pid::as_raw(getppid());
    if supervisor.to_str() != Some(parent.to_string().as_str()) {
        return Err(io::Error::other("the supervisor has ended"));
    }
    let program = text(program)?;
    let arguments = [Ok(program.clone())].into_iter().chain(arguments.map(text)).collect::<io::Result<Vec<_>>>()?;
    let _usual = usual_signals()?;
    // Not through a shell, which would run a file that is not a program as a script.
    Ok(nix::unistd::execv(&program, &arguments)?)
}

fn text(argument: OsString) -> io::Result<CString> {
    Ok(CString::new(argument.into_vec())?)
}

/// Unblocks the signals that the supervisor blocks, and installs a handler for SIGPIPE, which Rust ignores: `exec` resets
/// handled signals to their default, but not ignored ones.
fn usual_signals() -> io::Result<impl Sized> {
    SigSet::empty().thread_set_mask()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let handled = signal(SignalKind::pipe())?;
    Ok((runtime, handled))
}

fn limit(bounds: &Bounds) -> io::Result<()> {
    let seconds = bounds.time.as_secs() + 1;
    // A process cannot raise its own hard limits.
    let set = |resource, soft: u64, hard: u64| {
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        setrlimit(resource, Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) })
    };
    set(Resource::Core, 0, 0)?;
    set(Resource::Cpu, seconds, seconds + 5)?;
    set(Resource::Data, bounds.memory, bounds.memory)?;
    set(Resource::Fsize, bounds.output, bounds.output)?;
    set(Resource::Nofile, MAX_FILES, MAX_FILES)?;
    Ok(())
}

/// Closes all but the three standard descriptors: the host may have inherited others.
pub fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The descriptor that read the folder is closed already.
        let _closed = nix::unistd::close(descriptor);
    }
    Ok(())
}
