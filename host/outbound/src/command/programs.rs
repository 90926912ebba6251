//! The programs that run for scans of this process, kept from one call of a backend to the next.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use scanhost_domain::{error_chain::chain, ids::TaskId, scan::Fence};

use super::running::Running;

/// How the names of scratch folders begin, of which each worker has one in the folder of the scan.
const SCRATCH: &str = "program-";

/// The running programs, at most one for each scan.
#[derive(Default)]
pub struct Programs(Mutex<HashMap<TaskId, Entry>>);

struct Entry {
    fence: Fence,
    program: Arc<Running>,
}

impl Programs {
    pub(super) fn of(&self, task: &TaskId, fence: Fence) -> Option<Arc<Running>> {
        self.lock().get(task).filter(|entry| entry.fence == fence).map(|entry| entry.program.clone())
    }

    pub(super) fn keep(&self, task: TaskId, fence: Fence, program: Arc<Running>) {
        self.lock().insert(task, Entry { fence, program });
    }

    /// Ends the program that this worker runs for the scan, whatever its backend did. Then removes its scratch folder, and
    /// those that earlier workers could not remove.
    pub async fn end(&self, task: &TaskId, fence: Fence, folder: &Path) {
        if let Some(program) = self.of(task, fence) {
            if let Err(reason) = program.stop().await {
                tracing::error!(scan = %task, reason, "the program of an ended scan could not be killed");
            }
            self.lock().remove(task);
        }
        if let Err(error) = remove_scratch(folder, fence) {
            tracing::warn!(scan = %task, error = chain(&error), "the scratch folder of a program could not be removed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of this worker's scratch folder.
pub fn scratch_name(fence: Fence) -> String {
    format!("{SCRATCH}{}", fence.0)
}

/// Removes the scratch folders of this worker and of earlier ones. A later worker has a higher fence.
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
