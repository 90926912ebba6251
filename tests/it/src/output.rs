//! What a run of the program leaves behind: its exit code and what it printed.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longer than any command takes that does not hang.
const RUN_TIME: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub struct Output {
    /// None for a process that a signal ended.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Runs the command to its end. One that does not end is killed, and the test fails.
    pub fn of(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program can be started");
        let stdout = drain(child.stdout.take().expect("standard output was piped"));
        let stderr = drain(child.stderr.take().expect("standard error was piped"));
        let code = ended(&mut child);
        let text = |read: thread::JoinHandle<String>| read.join().expect("reading does not panic");
        Self { code, stdout: text(stdout), stderr: text(stderr) }
    }

    /// The lines of standard output that tell of findings, without schema and metadata.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
        lines.filter(|line: &serde_json::Value| line["type"] == "vulnerability").collect()
    }
}

/// The exit code of a process that ends within the bound.
pub fn ended(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        if start.elapsed() > RUN_TIME {
            let _ended = child.kill();
            panic!("the program did not end within {RUN_TIME:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Reads on a thread of its own, so that a full pipe holds up nobody.
fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8(bytes).expect("the program prints UTF-8")
    })
}
