//! Programs of this machine that backends run: each granted by name in the configuration, one at a time for a scan, under
//! a supervisor of its own, a second process of this very program, which kills the whole of it when the host ends.

mod confine;
mod family;
mod kept;
mod order;
mod reach;
mod role;
mod running;
mod supervise;

use std::{env, process::ExitCode};

use role::{CONFINE, SUPERVISE};

pub use crate::command::{
    kept::Programs,
    reach::{ForScan, Launching, ProgramReach},
};

/// Does the work of a helper of this program where it was started as one. To be asked before anything else is done.
pub fn helper() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    let role = arguments.next()?;
    match role.to_str()? {
        SUPERVISE => Some(supervise::run()),
        CONFINE => Some(confine::run(arguments)),
        _ => None,
    }
}
