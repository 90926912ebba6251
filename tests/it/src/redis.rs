//! A Redis of the test's own, on loopback. It ends with the test's process, however that ends.

use std::{
    io,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

const LONGEST_START: Duration = Duration::from_secs(20);

/// Waits for its input to end, which it does with the process that holds the other end; then kills what it started.
const KEEPER: &str = r#"
    "$@" >/dev/null & server=$!
    cat >/dev/null
    kill -KILL "$server"; wait
"#;

pub struct Redis {
    folder: TempDir,
    port: u16,
    keeper: Option<Child>,
}

impl Redis {
    /// One that keeps everything that it has acknowledged.
    #[expect(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a port is free").port();
        let mut redis = Self { folder: in_memory().expect("a temporary folder can be made"), port, keeper: None };
        redis.start_again();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The answer to a command, as `redis-cli` prints it.
    pub fn ask(&self, command: &[&str]) -> String {
        let asked = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(command).output();
        String::from_utf8(asked.expect("redis-cli can be started").stdout)
            .expect("the answer is text")
            .trim()
            .to_owned()
    }

    /// Where it keeps its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// As by a power cut.
    pub fn kill(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        keeper.wait().expect("a child can be waited for");
    }

    pub fn start_again(&mut self) {
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper", "redis-server", "--bind", "127.0.0.1", "--save", ""])
            // What was answered is in the file by then, and a file outlives the process: only a machine needs the disk.
            .args(["--appendonly", "yes", "--appendfsync", "no", "--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .spawn();
        self.keeper = Some(keeper.expect("redis-server can be started: run `bash tests/run`, which installs it"));
        let begin = Instant::now();
        while self.ask(&["PING"]) != "PONG" {
            assert!(begin.elapsed() < LONGEST_START, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A folder that outlives processes, and does not wait for a disk.
fn in_memory() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
