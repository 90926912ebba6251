//! A scanhost server as a child process, which is killed at the end of the test, and its home folder.

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
    mcp::McpClient,
    output::wait_for_exit,
    program::{compiled_plugins, scanhost},
};

/// The longest time until a server listens, on a busy machine that compiles plugins for the first time.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Replaces the file atomically: a server that reads it meanwhile sees either the old bytes or the new ones.
pub fn replace_file(file: &Path, bytes: impl AsRef<[u8]>) {
    let temporary = file.with_extension("new");
    fs::write(&temporary, bytes).expect("a file can be written");
    fs::rename(temporary, file).expect("a file can be renamed");
}

/// The home folder of a server, with `config/` and `data/`, which outlives the server process.
pub struct Home {
    folder: TempDir,
    has_short_timeouts: bool,
}

impl Home {
    /// Makes a folder with these configuration files. `scanhost.yaml` is added if it is not among them.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let home = Self { folder, has_short_timeouts: false };
        fs::create_dir(home.config()).expect("a folder can be made");
        // Compiling the plugins takes a second or two, so all tests share one cache.
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

    /// Shortens the timeouts of all servers and commands of this home to one twentieth.
    pub fn with_short_timeouts(self) -> Self {
        Self { has_short_timeouts: true, ..self }
    }

    /// Replaces a configuration file. A `scanhost.yaml` that does not set `data` gets the data folder of this home.
    pub fn write(&self, name: &str, text: &str) {
        let own = if name == "scanhost.yaml" && !text.contains("\ndata:") && !text.starts_with("data:") {
            format!("data: {}\n", self.data().display())
        } else {
            String::new()
        };
        replace_file(&self.config().join(name), own + text);
    }

    /// The entries of the audit log of all processes, by their time, without an entry that is still being written.
    pub fn audit_entries(&self) -> Vec<serde_json::Value> {
        let files = fs::read_dir(self.data().join("audit")).into_iter().flatten();
        let texts = files.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("text"));
        let text: String = texts.collect();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let mut entries: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
        // Each process has a file of its own. The fraction of a second has no fixed length.
        entries.sort_by_key(|entry| {
            let time = entry["time"].as_str().expect("a time").trim_end_matches('Z');
            let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
            (seconds.to_owned(), format!("{fraction:0<9}"))
        });
        entries
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts a server on this folder and waits until it listens.
    pub fn start(&self) -> Server {
        Server::start(self.serve_command())
    }

    /// Starts a server at this address, such as the address of a server that was killed.
    pub fn start_at(&self, address: &str) -> Server {
        Server::start(self.serve_command_at(address))
    }

    /// The command that starts a server on this folder.
    pub fn serve_command(&self) -> Command {
        self.serve_command_at("127.0.0.1:0")
    }

    fn serve_command_at(&self, address: &str) -> Command {
        let mut command = self.command(&["serve"]);
        command.args(["--listen", address]).arg("--config").arg(self.config());
        command
    }

    /// The program with these arguments and this folder as its working directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(scanhost());
        command.args(arguments).current_dir(self.folder.path()).env("SCANHOST_LOG", "debug,hyper=info,wasmtime=info");
        if self.has_short_timeouts {
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
    /// Starts a server, and waits until it logs the address at which it listens.
    pub fn start(command: Command) -> Self {
        Self::try_start(command).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// Starts a server, and returns its log as `Err` if it ended before it listened.
    pub fn try_start(mut command: Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the binary can be started");
        let stderr = child.stderr.take().expect("standard error was piped");
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, receiver) = mpsc::channel();
        let written = log.clone();
        let reading = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(address) = address(&line) {
                    // The receiver may have timed out already.
                    let _gone = sender.send(address);
                }
                let mut written = written.lock().expect("no holder of the log panics");
                written.push_str(&line);
                written.push('\n');
            }
        });
        match receiver.recv_timeout(START_TIMEOUT) {
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

    pub fn mcp(&self) -> McpClient {
        McpClient::new(&self.url)
    }

    /// The log until now.
    pub fn log(&self) -> String {
        self.log.lock().expect("no holder of the log panics").clone()
    }

    /// Waits until the server ends, and returns its whole log.
    pub fn wait_for_whole_log(mut self) -> String {
        wait_for_exit(&mut self.child);
        if let Some(reading) = self.reading.take() {
            reading.join().expect("reading does not panic");
        }
        self.log()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended.
    pub fn has_exited(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Kills the server with SIGKILL, and returns its whole log.
    pub fn kill_and_take_log(mut self) -> String {
        // The process may have ended by itself.
        let _ended = self.child.kill();
        self.wait_for_whole_log()
    }

    /// Sends SIGHUP, which makes the server reload its configuration.
    pub fn send_sighup(&self) {
        self.send_signal("HUP");
    }

    /// The answer of `/ready`.
    pub async fn ready(&self) -> serde_json::Value {
        let answer = self.mcp().http().get(format!("{}/ready", self.url)).send().await.expect("the server answers");
        answer.json().await.expect("/ready is JSON")
    }

    /// Kills the server with SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    /// Sends SIGTERM, waits until the server has ended, and returns its exit code.
    pub fn terminate(mut self) -> Option<i32> {
        self.send_signal("TERM");
        wait_for_exit(&mut self.child)
    }

    /// Sends a signal, such as `STOP`.
    pub fn send_signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.expect("signals can be sent").success());
    }

    fn end(&mut self) {
        // The process may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// The address at which the server listens, if this is the line of the log or of the greeting that has it.
fn address(line: &str) -> Option<String> {
    if !line.contains("serving ") && !line.contains("serves MCP") {
        return None;
    }
    let start = ["127.0.0.", "0.0.0.0:"].iter().find_map(|host| line.find(host))?;
    let address: String = line[start..].chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    Some(address)
}
