//! The output of a program that ran to its end: its exit code and what it printed.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longer than any command takes unless it hangs.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub struct Output {
    /// The exit code, or `None` if a signal ended the process.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Runs the command to its end. A command that does not end in time is killed, and the test fails.
    pub fn run(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program can be started");
        let stdout = drain(child.stdout.take().expect("standard output was piped"));
        let stderr = drain(child.stderr.take().expect("standard error was piped"));
        let code = wait_for_exit(&mut child);
        let text = |read: thread::JoinHandle<String>| read.join().expect("reading does not panic");
        Self { code, stdout: text(stdout), stderr: text(stderr) }
    }

    /// The lines of standard output that are findings, without the schema and metadata lines.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
        lines.filter(|line: &serde_json::Value| line["type"] == "vulnerability").collect()
    }
}

/// Waits until the process has ended, and returns its exit code.
pub fn wait_for_exit(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        if start.elapsed() > RUN_TIMEOUT {
            let _ended = child.kill();
            panic!("the program did not end within {RUN_TIMEOUT:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Reads the pipe on a thread of its own, so that the program never blocks on a full pipe.
fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8(bytes).expect("the program prints UTF-8")
    })
}
