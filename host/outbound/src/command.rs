//! Programs of this machine that backends run. Each is granted by name in the configuration, and a scan has one at a time.
//! Each has a supervisor, a second process of this program, which kills it with its descendants when the host ends.

mod confine;
mod descendants;
mod order;
mod programs;
mod reach;
mod role;
mod running;
mod supervise;

use std::{env, process::ExitCode};

use role::{CONFINE, SUPERVISE};

pub use crate::command::{
    programs::Programs,
    reach::{LaunchContext, ProgramReach, ScanContext},
};

/// Does the work of a helper process if this program was started as one. Call it before anything else.
pub fn run_as_helper() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    let role = arguments.next()?;
    match role.to_str()? {
        SUPERVISE => Some(supervise::run()),
        CONFINE => Some(confine::run(arguments)),
        _ => None,
    }
}
