//! A program that is spoken to line by line, over its standard input and output.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::output::ended;

/// How long an answer may take, on a busy machine and with plugins to be compiled.
const ANSWER_TIME: Duration = Duration::from_secs(60);

pub struct Pipe {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

impl Pipe {
    pub fn open(mut command: Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program can be started");
        let stdout = child.stdout.take().expect("standard output was piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Whoever listened may have gone.
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

    /// The next line, which has to be a message of the protocol.
    pub fn receive(&mut self) -> Value {
        let line = self.lines.recv_timeout(ANSWER_TIME).expect("the program answers");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not of the protocol: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// The answer to this request; what is told meanwhile is passed over.
    pub fn ask(&mut self, request: &Value) -> Value {
        self.send(request);
        loop {
            let message = self.receive();
            if message["id"] == request["id"] {
                return message;
            }
            assert!(message.get("id").is_none(), "an answer to nothing: {message}");
        }
    }

    /// Closes its input, and returns its exit code and the lines that nobody asked for.
    pub fn close(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.input.take());
        let code = ended(&mut self.child);
        (code, self.lines.iter().collect())
    }

    /// Waits until it ends by itself, and returns its exit code and its errors.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = ended(&mut self.child);
        let errors = self.errors.take().expect("errors are read once").join();
        (code, errors.expect("errors can be read"))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
