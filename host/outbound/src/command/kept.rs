//! The programs that run for scans of this process, between the calls of their backends.

use std::{collections::HashMap, fs, io, path::Path, sync::{Arc, Mutex, MutexGuard, PoisonError}};

use scanhost_domain::{error_chain::chain, ids::TaskId, scan::Fence};

use super::running::Running;

/// What the folders of a scan's runs begin with, in the folder of the scan; each is that of one worker.
const SCRATCH: &str = "program-";

/// One program a scan at most.
#[derive(Default)]
pub struct Programs(Mutex<HashMap<TaskId, Kept>>);

struct Kept {
    fence: Fence,
    program: Arc<Running>,
}

impl Programs {
    pub(super) fn of(&self, task: &TaskId, fence: Fence) -> Option<Arc<Running>> {
        self.lock().get(task).filter(|kept| kept.fence == fence).map(|kept| kept.program.clone())
    }

    pub(super) fn keep(&self, task: TaskId, fence: Fence, program: Arc<Running>) {
        self.lock().insert(task, Kept { fence, program });
    }

    /// Ends the program that this worker runs for the scan, whatever its backend did, and removes what it has left, and
    /// what a worker before this one could not.
    pub async fn end(&self, task: &TaskId, fence: Fence, folder: &Path) {
        if let Some(program) = self.of(task, fence) {
            if let Err(reason) = program.stop().await {
                tracing::error!(scan = %task, reason, "a program of an ended scan could not be killed");
            }
            self.lock().remove(task);
        }
        if let Err(error) = remove_scratch(folder, fence) {
            tracing::warn!(scan = %task, error = chain(&error), "what a program has left could not be removed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of this worker's folder in the scan's.
pub fn scratch_name(fence: Fence) -> String {
    format!("{SCRATCH}{}", fence.0)
}

/// Of this worker and those before it. One that comes after it has a higher fence.
fn remove_scratch(folder: &Path, fence: Fence) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let of = name.and_then(|name| name.strip_prefix(SCRATCH)).and_then(|of| of.parse().ok()).map(Fence);
        if of.is_some_and(|of| of <= fence) {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}
