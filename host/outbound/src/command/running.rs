//! A program that runs, as the host sees it: it ends when the host wants, or lets go of it.

use std::{fs::{self, DirBuilder, File}, io::{self, Read as _, Write as _}, os::unix::{fs::{DirBuilderExt as _, FileExt as _}, process::CommandExt as _}, process::{Child, ChildStdin, Command, Stdio}, sync::{Mutex, PoisonError}, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use super::{order::{Order, Scratch, Verdict}, role::{SUPERVISE, own_program}};

/// How long a supervisor may take to kill what it supervises.
const STOP_TIME: Duration = Duration::from_secs(10);

/// A program with its supervisor. What is let go of is killed.
pub struct Running {
    scratch: Scratch,
    supervisor: Option<Pid>,
    /// None once the program is to end.
    lifeline: Mutex<Option<ChildStdin>>,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl Running {
    /// Starts it. The scratch folder has to be new.
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
            // Nobody may want to know any more.
            let _gone = sender.send(Some(verdict));
        };
        thread::Builder::new().name("program".into()).spawn(wait)?;
        Ok(Self { scratch: order.scratch.clone(), supervisor, lifeline: Mutex::new(Some(lifeline)), verdict })
    }

    /// How it ended; None while it runs.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.borrow().clone()
    }

    pub async fn ended(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        let ended = verdict.wait_for(Option::is_some).await;
        ended.ok().and_then(|verdict| verdict.clone()).unwrap_or(LOST)
    }

    /// Bytes of its standard output so far.
    pub fn output_bytes(&self) -> u64 {
        fs::metadata(self.scratch.output()).map_or(0, |metadata| metadata.len())
    }

    /// What it has written from this byte on, at most `max` bytes.
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

    /// The beginning of what it wrote to its standard error, on one line.
    pub fn complaint(&self) -> String {
        let mut text = Vec::new();
        if let Ok(file) = File::open(self.scratch.errors()) {
            // What cannot be read is not there.
            let _unread = file.take(300).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).trim().replace(char::is_control, " ")
    }

    /// Tells the supervisor that the host is there. A supervisor that is gone is noticed elsewhere.
    pub fn beat(&self) {
        if let Some(lifeline) = &mut *self.lifeline() {
            let _gone = lifeline.write_all(b"\n");
        }
    }

    /// Kills it, without waiting for its end.
    pub fn cut(&self) {
        self.lifeline().take();
    }

    /// Kills it with all that it has started. When this is done nothing is left of it.
    pub async fn stop(&self) -> Result<(), String> {
        self.cut();
        if tokio::time::timeout(STOP_TIME, self.ended()).await.is_ok() {
            return Ok(());
        }
        // A supervisor that does not do its work takes its program with it.
        if let Some(supervisor) = self.supervisor {
            let _gone = kill_process(supervisor, Signal::KILL);
        }
        let ended = tokio::time::timeout(STOP_TIME, self.ended()).await;
        ended.map(drop).map_err(|_| "the program does not end".to_owned())
    }

    fn lifeline(&self) -> std::sync::MutexGuard<'_, Option<ChildStdin>> {
        self.lifeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the supervisor was killed, which kills the program.
const LOST: Verdict = Verdict::Signalled(9);

fn verdict_of(mut supervisor: Child, mut stdout: impl io::Read) -> Verdict {
    let mut said = Vec::new();
    // Whatever it said, it ends before this thread does.
    let _read = stdout.read_to_end(&mut said);
    let _ended = supervisor.wait();
    serde_json::from_slice(&said).unwrap_or(LOST)
}

/// Makes the folders of a run, for this user alone.
pub fn make(scratch: &Scratch) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(scratch.work())
}
