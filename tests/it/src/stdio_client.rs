//! A client of a program that speaks JSON-RPC over its standard input and output, one message per line.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::output::wait_for_exit;

/// The longest time until an answer, on a busy machine and while plugins are compiled.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

pub struct StdioClient {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

impl StdioClient {
    pub fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program can be started");
        let stdout = child.stdout.take().expect("standard output was piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The receiver may be gone already.
                let _gone = sender.send(line);
            }
        });
        let mut stderr = child.stderr.take().expect("standard error was piped");
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("errors are text");
            text
        });
        Self { input: child.stdin.take(), child, lines, errors: Some(errors) }
    }

    pub fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("the input is open");
        writeln!(input, "{message}").and_then(|()| input.flush()).expect("the program reads");
    }

    /// Reads the next line, which has to be a message of the protocol.
    pub fn receive(&mut self) -> Value {
        let line = self.lines.recv_timeout(ANSWER_TIMEOUT).expect("the program answers");
        let message: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the line is not a message of the protocol: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// Sends a request and returns its answer. Notifications that arrive before the answer are ignored.
    pub fn request(&mut self, request: &Value) -> Value {
        self.send(request);
        loop {
            let message = self.receive();
            if message["id"] == request["id"] {
                return message;
            }
            assert!(message.get("id").is_none(), "the message answers no request: {message}");
        }
    }

    /// Closes the standard input, and returns the exit code and the lines that were not yet read.
    pub fn close(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.input.take());
        let code = wait_for_exit(&mut self.child);
        (code, self.lines.iter().collect())
    }

    /// Waits until the program ends by itself, and returns its exit code and its standard error.
    pub fn wait_for_exit(mut self) -> (Option<i32>, String) {
        let code = wait_for_exit(&mut self.child);
        let errors = self.errors.take().expect("errors are read once").join();
        (code, errors.expect("errors can be read"))
    }
}

impl Drop for StdioClient {
    fn drop(&mut self) {
        // The program may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
