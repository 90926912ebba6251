//! A Redis server on loopback that belongs to one test. It ends with the test's process, however that process ends.

use std::{
    io,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A shell script that starts the server, waits until its own standard input ends, which happens at the latest when the
/// test process ends, and then kills the server.
const SUPERVISOR: &str = r#"
    "$@" >/dev/null & server=$!
    cat >/dev/null
    kill -KILL "$server"; wait
"#;

pub struct Redis {
    folder: TempDir,
    port: u16,
    supervisor: Option<Child>,
}

impl Redis {
    /// Starts a server that keeps everything that it has acknowledged.
    #[expect(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Self {
        let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = bound.expect("a port is free").port();
        let mut redis =
            Self { folder: memory_folder().expect("a temporary folder can be made"), port, supervisor: None };
        redis.start_again();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Runs a command, and returns its answer as `redis-cli` prints it.
    pub fn command(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(command).output();
        String::from_utf8(output.expect("redis-cli can be started").stdout)
            .expect("the answer is text")
            .trim()
            .to_owned()
    }

    /// The folder of the files that the server writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the server without a chance to shut down. It can be started again.
    pub fn kill(&mut self) {
        let Some(mut supervisor) = self.supervisor.take() else { return };
        drop(supervisor.stdin.take());
        supervisor.wait().expect("a child can be waited for");
    }

    pub fn start_again(&mut self) {
        let supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor", "redis-server", "--bind", "127.0.0.1", "--save", ""])
            // An acknowledged write is in the file, which outlives a killed process. Syncing it to disk would only help
            // against a crash of the machine.
            .args(["--appendonly", "yes", "--appendfsync", "no", "--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .spawn();
        self.supervisor =
            Some(supervisor.expect("redis-server can be started: run `bash tests/run`, which installs it"));
        let start = Instant::now();
        while self.command(&["PING"]) != "PONG" {
            assert!(start.elapsed() < START_TIMEOUT, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Makes a folder in memory, where the machine has one: it outlives processes, and its writes wait for no disk.
fn memory_folder() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
