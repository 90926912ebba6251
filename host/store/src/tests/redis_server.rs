//! A Redis for the tests, on a socket in a folder of its own. It ends with the process of the tests, however that ends.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const LONGEST_START: Duration = Duration::from_secs(20);

/// A script that starts Redis and waits until its input ends, which happens when the process of the tests ends. Then it
/// kills Redis, and removes the folder if it is asked to.
const KEEPER: &str = r#"
    removed=$1; shift
    "$@" >/dev/null & server=$!
    cat >/dev/null
    kill -KILL "$server"; wait
    if [ -n "$removed" ]; then rm -rf "$removed"; fi
"#;

pub struct RedisServer {
    folder: TempDir,
    appends: &'static str,
    keeper: Option<Child>,
}

impl RedisServer {
    /// The server that all tests share, each under its own prefix. It keeps nothing on disk.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("no", true))
    }

    /// A server that keeps everything that it has acknowledged.
    pub fn durable() -> Self {
        Self::start("yes", false)
    }

    fn start(appends: &'static str, is_shared: bool) -> Self {
        let mut server = Self { folder: in_memory().unwrap(), appends, keeper: None };
        server.keeper = Some(server.run(is_shared));
        server
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Kills the server, as a power cut does.
    pub fn kill(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.keeper = Some(self.run(false));
    }

    fn run(&self, removes_folder: bool) -> Child {
        let has_redis = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        assert!(has_redis.is_ok(), "redis-server is missing: run `bash tests/run`, which installs it");
        let folder = self.folder.path();
        // The shared server is never dropped.
        let removed = if removes_folder { folder.as_os_str() } else { "".as_ref() };
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(removed)
            // An acknowledged write is in the file, which outlives the process; only a crash of the machine needs the
            // disk.
            .args(["redis-server", "--port", "0", "--save", "", "--appendfsync", "no"])
            .args(["--appendonly", self.appends, "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while !self.answers() {
            assert!(begin.elapsed() < LONGEST_START, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        keeper
    }
}

/// A folder in memory, which outlives processes and needs no disk.
fn in_memory() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

impl RedisServer {
    /// Whether the server answers, which it does not while it loads its data.
    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else { return false };
        let mut answer = [0; 5];
        stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut answer)).is_ok() && answer == *b"+PONG"
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
