//! A scanhost process of its own, with its own folder, ended with the test.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    mcp::Mcp,
    output::ended,
    program::{compiled_plugins, scanhost},
};

/// How long a server may take to listen, also on a busy machine that compiles plugins for the first time.
const START_TIME: Duration = Duration::from_secs(60);

/// Puts the bytes in the place of what is there, in one step: a server that looks meanwhile sees the one or the other.
pub fn replace(file: &Path, bytes: impl AsRef<[u8]>) {
    let beside = file.with_extension("new");
    fs::write(&beside, bytes).expect("a file can be written");
    fs::rename(beside, file).expect("a file can be renamed");
}

/// The folder of a server: `config/` and `data/`, kept over restarts.
pub struct Home {
    folder: TempDir,
    is_hasty: bool,
}

impl Home {
    /// A folder with these configuration files; a `scanhost.yaml` that sets `data` is made where none is given.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let home = Self { folder, is_hasty: false };
        fs::create_dir(home.config()).expect("a folder can be made");
        // Compiling plugins takes a second or two: once is enough for all tests.
        fs::create_dir(home.data()).expect("a folder can be made");
        std::os::unix::fs::symlink(compiled_plugins(), home.data().join("cache")).expect("a link can be made");
        if !files.iter().any(|(name, _)| *name == "scanhost.yaml") {
            home.write("scanhost.yaml", "");
        }
        for (name, text) in files {
            home.write(name, text);
        }
        home
    }

    /// The same with processes that give up on each other, and on scanners, twenty times sooner than usual.
    pub fn hasty(self) -> Self {
        Self { is_hasty: true, ..self }
    }

    /// Writes a configuration file in one step. `scanhost.yaml` gets this home's data folder and a key file in it.
    pub fn write(&self, name: &str, text: &str) {
        let own = if name == "scanhost.yaml" && !text.contains("\ndata:") && !text.starts_with("data:") {
            format!("data: {}\n", self.data().display())
        } else {
            String::new()
        };
        replace(&self.config().join(name), own + text);
    }

    /// The entries of the audit log, without one that is still being written.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let files = fs::read_dir(self.data().join("audit")).into_iter().flatten();
        let texts = files.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("text"));
        let text: String = texts.collect();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts a server on this folder and waits until it listens.
    pub fn start(&self) -> Server {
        Server::start(self.serving())
    }

    /// The same at this address, such as that of a server that was killed.
    pub fn start_at(&self, address: &str) -> Server {
        Server::start(self.serving_at(address))
    }

    /// What starts a server on this folder.
    pub fn serving(&self) -> Command {
        self.serving_at("127.0.0.1:0")
    }

    fn serving_at(&self, address: &str) -> Command {
        let mut command = self.command(&["serve"]);
        command.args(["--listen", address]).arg("--config").arg(self.config());
        command
    }

    /// The program with these arguments, in this folder, with a clean environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(scanhost());
        command.args(arguments).current_dir(self.folder.path()).env("SCANHOST_LOG", "debug,hyper=info,wasmtime=info");
        if self.is_hasty {
            command.env("SCANHOST_HASTE", "20");
        }
        command
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A running server.
pub struct Server {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub fn start(command: Command) -> Self {
        Self::try_start(command).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// The same, or the log of one that ended before it listened.
    pub fn try_start(mut command: Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the binary can be started");
        let stderr = child.stderr.take().expect("standard error was piped");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, listening) = mpsc::channel();
        let kept = log.clone();
        let reading = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(address) = address(&line) {
                    // Whoever waited may have given up.
                    let _gone = found.send(address);
                }
                let mut kept = kept.lock().expect("no holder of the log panics");
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        match listening.recv_timeout(START_TIME) {
            Ok(address) => Ok(Self { child, url: format!("http://{address}"), log, reading: Some(reading) }),
            Err(_) => {
                let _ended = child.kill();
                let _ended = child.wait();
                reading.join().expect("reading does not panic");
                Err(log.lock().expect("no holder of the log panics").clone())
            }
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn mcp(&self) -> Mcp {
        Mcp::new(&self.url)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no holder of the log panics").clone()
    }

    /// What it had logged when it ended by itself.
    pub fn log_to_end(mut self) -> String {
        ended(&mut self.child);
        if let Some(reading) = self.reading.take() {
            reading.join().expect("reading does not panic");
        }
        self.log()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended without being told to.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// SIGKILL, and what it had logged until then.
    pub fn killed(mut self) -> String {
        // It may have ended by itself.
        let _ended = self.child.kill();
        self.log_to_end()
    }

    /// SIGHUP: look at the configuration again.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// What `/ready` says.
    pub async fn ready(&self) -> serde_json::Value {
        let answer = self.mcp().http().get(format!("{}/ready", self.url)).send().await.expect("the server answers");
        answer.json().await.expect("/ready is JSON")
    }

    /// SIGKILL, and nothing of its own doing any more.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, and its exit code once it has ended by itself.
    pub fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        ended(&mut self.child)
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(told.expect("signals can be sent").success());
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// The address in the line that says so: of the log, or of the greeting.
fn address(line: &str) -> Option<String> {
    if !line.contains("serving ") && !line.contains("serves MCP") {
        return None;
    }
    let start = ["127.0.0.", "0.0.0.0:"].iter().find_map(|host| line.find(host))?;
    let address: String = line[start..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    Some(address)
}
