//! A running program, as the host sees it: it ends when the host stops it or drops it.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read as _, Write as _},
    os::unix::{
        fs::{DirBuilderExt as _, FileExt as _},
        process::CommandExt as _,
    },
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use super::{
    order::{Order, Scratch, Verdict},
    role::{SUPERVISE, own_program},
};

/// How long a supervisor may take to kill its program.
const STOP_TIME: Duration = Duration::from_secs(10);

/// A program with its supervisor. Dropping it kills the program.
pub struct Running {
    scratch: Scratch,
    supervisor: Option<Pid>,
    /// The pipe to the supervisor; none once the program has to end.
    lifeline: Mutex<Option<ChildStdin>>,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl Running {
    /// Starts the program. The scratch folder has to be new.
    pub fn start(order: &Order) -> io::Result<Self> {
        let mut command = Command::new(own_program());
        command.arg(SUPERVISE).env_clear().current_dir(order.scratch.folder()).process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let supervisor = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (Some(mut lifeline), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a process without pipes"));
        };
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        lifeline.write_all(&line)?;
        let (sender, verdict) = watch::channel(None);
        let wait = move || {
            let verdict = verdict_of(child, stdout);
            // The receiver may be gone.
            let _gone = sender.send(Some(verdict));
        };
        thread::Builder::new().name("program".into()).spawn(wait)?;
        Ok(Self { scratch: order.scratch.clone(), supervisor, lifeline: Mutex::new(Some(lifeline)), verdict })
    }

    /// How the program ended; none while it runs.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.borrow().clone()
    }

    pub async fn ended(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        let ended = verdict.wait_for(Option::is_some).await;
        ended.ok().and_then(|verdict| verdict.clone()).unwrap_or(LOST)
    }

    /// The bytes of the program's standard output so far.
    pub fn output_bytes(&self) -> u64 {
        fs::metadata(self.scratch.output()).map_or(0, |metadata| metadata.len())
    }

    /// The program's standard output from this byte on, at most `max` bytes.
    pub fn output(&self, start: u64, max: usize) -> io::Result<Vec<u8>> {
        let file = match File::open(self.scratch.output()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        let left = usize::try_from(file.metadata()?.len().saturating_sub(start)).unwrap_or(max);
        let mut bytes = vec![0; left.min(max)];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], start + filled as u64)? {
                0 => break,
                length => filled += length,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// The first 300 bytes of the program's standard error, on one line.
    pub fn complaint(&self) -> String {
        let mut text = Vec::new();
        if let Ok(file) = File::open(self.scratch.errors()) {
            // A file that cannot be read counts as empty.
            let _unread = file.take(300).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).trim().replace(char::is_control, " ")
    }

    /// Sends the supervisor a sign of life. A supervisor that has ended is noticed elsewhere.
    pub fn beat(&self) {
        if let Some(lifeline) = &mut *self.lifeline() {
            let _gone = lifeline.write_all(b"\n");
        }
    }

    /// Kills the program without waiting for its end.
    pub fn cut(&self) {
        self.lifeline().take();
    }

    /// Kills the program with all of its descendants, and waits until they have ended.
    pub async fn stop(&self) -> Result<(), String> {
        self.cut();
        if tokio::time::timeout(STOP_TIME, self.ended()).await.is_ok() {
            return Ok(());
        }
        // The program dies with its supervisor.
        if let Some(supervisor) = self.supervisor {
            let _gone = kill_process(supervisor, Signal::KILL);
        }
        let ended = tokio::time::timeout(STOP_TIME, self.ended()).await;
        ended.map(drop).map_err(|_| "the program did not end after it was killed".to_owned())
    }

    fn lifeline(&self) -> std::sync::MutexGuard<'_, Option<ChildStdin>> {
        self.lifeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The verdict when the supervisor was killed, since the program dies with it.
const LOST: Verdict = Verdict::Signalled(9);

fn verdict_of(mut supervisor: Child, mut stdout: impl io::Read) -> Verdict {
    let mut said = Vec::new();
    // Whatever it sent, it has to end before this thread does.
    let _read = stdout.read_to_end(&mut said);
    let _ended = supervisor.wait();
    serde_json::from_slice(&said).unwrap_or(LOST)
}

/// Creates the folders of a run, readable by this user only.
pub fn create_folders(scratch: &Scratch) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(scratch.work())
}
