//! The helper processes of this program: how they are started, and how they know their role.

use std::{env, path::PathBuf};

/// The first argument of a supervisor process. No person gives it.
pub const SUPERVISE: &str = "supervise-program";
/// The first argument of a process that is about to become the program.
pub const CONFINE: &str = "confine-program";

/// The path of this program, also if its file was replaced since the start.
pub fn own_program() -> PathBuf {
    let path = env::current_exe().unwrap_or_default();
    if path.is_file() { path } else { PathBuf::from("/proc/self/exe") }
}
