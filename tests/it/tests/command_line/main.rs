//! The command line: exit codes, standard output and standard error.

mod broken_reports;
mod config_check;
mod scan;
mod serve;
mod stdio;
mod usage;
mod wrong_place;

use scanhost_it::{output::Output, program::compiled_plugins, server::Home};

const MOCK: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

/// Runs the program with these arguments in the home's folder, without debug logs.
fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.env_remove("SCANHOST_LOG").env("XDG_CACHE_HOME", compiled_plugins());
    Output::run(command)
}
