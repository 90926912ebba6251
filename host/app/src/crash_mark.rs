//! Which scans a process works on at this very moment, as files that outlive it. A process that dies while it executes a
//! scan's plugin or reads its report may have died of that scan; one that dies while it waits for the scanner has not.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use scanhost_domain::{ids::TaskId, scan::Fence};
use scanhost_sandbox::capability::{
    Answer, Argument, Downloaded, Http, HttpError, Program, ReportWriter, Request, Response, RunError, Standing,
};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The folder of the marks, in the data folder. Each is named by its scan and the fence of its worker.
const FOLDER: &str = "at-work";

/// Between two tries to work. A try holds up nobody else.
const TRY_INTERVAL: Duration = Duration::from_millis(20);

/// Tries after which a scan works although it should not be together with others now. Together they take 5 s, which is
/// less than any limit of a plugin's call.
const TRIES: u32 = 250;

/// The marks of this process, and who may work at the same time: work on ordinary scans is shared, and a suspect works
/// alone, so that another death is surely its own.
#[derive(Clone)]
pub struct CrashMarks(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    lock: Arc<RwLock<()>>,
    /// The files that exist now.
    marked: Mutex<HashSet<PathBuf>>,
}

/// Whether the scan may be the one that killed earlier processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    Clear,
    Suspect,
}

/// Held while this process works on a scan.
enum Permit {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

impl CrashMarks {
    pub fn new(data: &Path) -> Self {
        let shared = Shared { folder: data.join(FOLDER), lock: Arc::default(), marked: Mutex::default() };
        Self(Arc::new(shared))
    }

    /// Makes the folder of the marks, before the first scan is worked on.
    ///
    /// # Errors
    /// If the data folder cannot be written.
    pub fn prepare(&self) -> io::Result<()> {
        match fs::create_dir(&self.0.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// The mark of a scan that a worker of this process drives. It is not set yet.
    pub fn mark(&self, id: &TaskId, fence: Fence, suspicion: Suspicion) -> Arc<CrashMark> {
        let is_suspect = AtomicBool::new(suspicion == Suspicion::Suspect);
        Arc::new(CrashMark { marks: self.clone(), path: self.path(id, fence), is_suspect, permit: Mutex::new(None) })
    }

    /// Returns whether the process of the scan's last worker died while it worked on the scan, and forgets it.
    pub fn take_crash(&self, id: &TaskId, fence: Fence) -> bool {
        let path = self.path(id, Fence(fence.0.saturating_sub(1)));
        let was_marked = path.exists();
        remove(&path);
        was_marked
    }

    /// Removes the mark that the worker with this fence has set: it leaves the scan, and what still works on it in this
    /// process counts no more.
    pub fn forget(&self, id: &TaskId, fence: Fence) {
        remove(&self.path(id, fence));
    }

    /// Removes all marks of this process, which ends in an orderly way.
    pub fn clear(&self) {
        self.lock_marked().drain().for_each(|path| remove(&path));
    }

    /// Waits until nobody else works, within bounds: a scan that works beside others is better than one that fails.
    async fn alone(&self) -> Option<Permit> {
        for _ in 0..TRIES {
            match self.0.lock.clone().try_write_owned() {
                Ok(guard) => return Some(Permit::Alone { _guard: guard }),
                Err(_) => tokio::time::sleep(TRY_INTERVAL).await,
            }
        }
        None
    }

    /// Waits until no suspect works, within the same bounds.
    async fn shared(&self) -> Option<Permit> {
        for _ in 0..TRIES {
            match self.0.lock.clone().try_read_owned() {
                Ok(guard) => return Some(Permit::Shared { _guard: guard }),
                Err(_) => tokio::time::sleep(TRY_INTERVAL).await,
            }
        }
        None
    }

    fn path(&self, id: &TaskId, fence: Fence) -> PathBuf {
        self.0.folder.join(format!("{id}.{}", fence.0))
    }

    fn lock_marked(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.0.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mark of one scan.
pub struct CrashMark {
    marks: CrashMarks,
    path: PathBuf,
    is_suspect: AtomicBool,
    /// Present while the mark is set.
    permit: Mutex<Option<Permit>>,
}

impl CrashMark {
    /// Marks the scan until the returned value is dropped.
    pub async fn work(self: &Arc<Self>) -> Working {
        self.set().await;
        Working(self.clone())
    }

    /// Runs what only waits for others, without the mark.
    async fn waiting<T>(&self, wait: impl Future<Output = T>) -> T {
        self.clear();
        let value = wait.await;
        self.set().await;
        value
    }

    async fn set(&self) {
        let permit =
            if self.is_suspect.load(Ordering::Relaxed) { self.marks.alone().await } else { self.marks.shared().await };
        *self.lock_permit() = permit;
        self.marks.lock_marked().insert(self.path.clone());
        // On a full disk, or without the data folder, a death counts against nobody.
        if let Err(error) = fs::write(&self.path, []) {
            tracing::debug!(%error, "a scan could not be marked as being worked on");
        }
    }

    /// Changes whether the scan works alone from its next step on.
    pub fn set_suspicion(&self, suspicion: Suspicion) {
        self.is_suspect.store(suspicion == Suspicion::Suspect, Ordering::Relaxed);
    }

    fn clear(&self) {
        if self.marks.lock_marked().remove(&self.path) {
            remove(&self.path);
        }
        *self.lock_permit() = None;
    }

    fn lock_permit(&self) -> MutexGuard<'_, Option<Permit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mark is set for as long as this lives.
pub struct Working(Arc<CrashMark>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.clear();
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(%error, file = %path.display(), "a mark of a scan stays");
        }
        _ => {}
    }
}

/// Requests to a scanner, during which the plugin only waits.
pub struct MarkedHttp<H> {
    pub http: H,
    pub mark: Arc<CrashMark>,
}

#[async_trait]
impl<H: Http> Http for MarkedHttp<H> {
    async fn send(&mut self, request: Request) -> Result<Response, HttpError> {
        self.mark.waiting(self.http.send(request)).await
    }

    async fn download(&mut self, request: Request, report: &mut dyn ReportWriter) -> Result<Downloaded, HttpError> {
        self.mark.waiting(self.http.download(request, report)).await
    }
}

/// The program of a scan, for which the plugin only waits.
pub struct MarkedProgram {
    pub program: Box<dyn Program>,
    pub mark: Arc<CrashMark>,
}

#[async_trait]
impl Program for MarkedProgram {
    async fn start(&mut self, command: String, arguments: Vec<Argument>) -> Result<(), RunError> {
        self.mark.waiting(self.program.start(command, arguments)).await
    }

    fn look(&mut self) -> Option<Standing> {
        self.program.look()
    }

    fn output(&mut self, start: u64, max: usize) -> io::Result<Vec<u8>> {
        self.program.output(start, max)
    }

    async fn stop(&mut self) -> Result<(), String> {
        self.mark.waiting(self.program.stop()).await
    }

    async fn ask(&mut self, command: String, arguments: Vec<String>) -> Result<Answer, RunError> {
        self.mark.waiting(self.program.ask(command, arguments)).await
    }
}
