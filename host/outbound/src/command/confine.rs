//! The last step before a program runs: this process takes its limits upon itself and then becomes the program.

use std::{convert::Infallible, ffi::{CString, OsString}, fs, io, os::unix::ffi::OsStringExt as _, process::ExitCode};

use nix::sys::signal::SigSet;
use rustix::{process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit}, thread::set_no_new_privs};
use tokio::signal::unix::{SignalKind, signal};

use super::order::Bounds;

/// The exit code of a program that was not run, and what its standard error then begins with.
pub const NOT_RUN: u8 = 125;
pub const NOT_RUN_MARK: &str = "scanhost: not run: ";

/// Files that a program may have open.
const MAX_FILES: u64 = 4_096;

/// Its arguments are the supervisor's process id, the bounds as JSON, and the program with its own.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Err(reason) = become_program(arguments);
    eprintln!("{NOT_RUN_MARK}{reason}");
    ExitCode::from(NOT_RUN)
}

fn become_program(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Infallible> {
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("it is for scanhost itself to use"));
    let (supervisor, bounds, program) = (next()?, next()?, next()?);
    let bounds: Bounds = serde_json::from_slice(bounds.as_encoded_bytes())?;
    close_inherited()?;
    set_no_new_privs(true)?;
    limit(&bounds)?;
    // Should even the supervisor be killed.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = Pid::as_raw(getppid());
    if supervisor.to_str() != Some(parent.to_string().as_str()) {
        return Err(io::Error::other("its supervisor is gone"));
    }
    let program = text(program)?;
    let arguments = [Ok(program.clone())].into_iter().chain(arguments.map(text)).collect::<io::Result<Vec<_>>>()?;
    let _usual = usual_signals()?;
    // Not as a shell would, which takes what is no program for a script of its own.
    Ok(nix::unistd::execv(&program, &arguments)?)
}

fn text(argument: OsString) -> io::Result<CString> {
    Ok(CString::new(argument.into_vec())?)
}

/// Nothing is blocked, as it is in the supervisor, or ignored, as the closing of a pipe is in every program of this
/// language: for what is handled here the next program begins anew.
fn usual_signals() -> io::Result<impl Sized> {
    SigSet::empty().thread_set_mask()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let handled = signal(SignalKind::pipe())?;
    Ok((runtime, handled))
}

fn limit(bounds: &Bounds) -> io::Result<()> {
    let seconds = bounds.time.as_secs() + 1;
    // What is more than the process has already cannot be had.
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

/// Closes all but the three standard descriptors: whoever started the host may have left some open in it.
pub fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The one that read the folder is gone by now.
        let _closed = nix::unistd::close(descriptor);
    }
    Ok(())
}
