//! The helper processes of this program: how they are started, and how they know what they are.

use std::{env, path::PathBuf};

/// What this program is when its first argument is one of these, which no person gives.
pub const SUPERVISE: &str = "supervise-program";
pub const CONFINE: &str = "confine-program";

/// This program, also when its file was replaced since it was started.
pub fn own_program() -> PathBuf {
    let path = env::current_exe().unwrap_or_default();
    if path.is_file() { path } else { PathBuf::from("/proc/self/exe") }
}
