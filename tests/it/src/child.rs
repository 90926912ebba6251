//! Runs a program to its end, within a bound.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

/// What a program left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Its end, without anything to read on standard input.
///
/// # Panics
/// When it cannot be started, writes what is no text, or takes longer: then it is killed.
pub async fn run(command: Command, bound: Duration) -> Ended {
    let shown = format!("{command:?}");
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(bound, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{shown} did not end within {bound:?}"));
    let output = output.unwrap_or_else(|error| panic!("{shown}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("programs write UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
