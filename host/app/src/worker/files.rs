//! A scan's files while it runs: the report as it arrives. A lost worker may come back and write on:
//! each has a file of its own until the report is whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scanhost_domain::scan::Fence;
use scanhost_sandbox::capability::ReportWriter;
use scanhost_system::{
    atomic,
    disk::{self, PendingSync, SyncingWriter},
};

use crate::host::NATIVE_STEM;

/// The report on its way in. It has its name only once it is whole.
pub struct Arriving {
    part: PathBuf,
    whole: PathBuf,
    met_full_disk: Arc<AtomicBool>,
    syncing: PendingSync,
}

impl Arriving {
    /// Of the worker with this fence; what those before it have left is removed.
    pub fn new(folder: &Path, extension: &str, fence: Fence) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let part = folder.join(format!("{NATIVE_STEM}-{}.part", fence.0));
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if fence_of(&path).is_some_and(|earlier| earlier < fence) {
                remove(&path)?;
            }
        }
        Ok(Self {
            part,
            whole: whole(folder, extension),
            met_full_disk: Arc::default(),
            syncing: PendingSync::default(),
        })
    }

    /// Bytes so far; what a failed step has added is cut off again with [`truncate`](Self::truncate).
    pub fn length(&self) -> io::Result<u64> {
        match fs::metadata(&self.part) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    pub fn truncate(&self, length: u64) -> io::Result<()> {
        OpenOptions::new().create(true).truncate(false).write(true).open(&self.part)?.set_len(length)
    }

    /// Adds at the end.
    pub fn writer(&self) -> io::Result<Box<dyn ReportWriter>> {
        let file = OpenOptions::new().create(true).append(true).open(&self.part)?;
        let file = SyncingWriter::new(file, |file| file, self.syncing.clone())?;
        Ok(Box::new(PartWriter { file, met_full_disk: self.met_full_disk.clone() }))
    }

    /// Whether a writer has found no room since this was last asked.
    pub fn met_full_disk(&self) -> bool {
        self.met_full_disk.swap(false, Ordering::AcqRel)
    }

    /// Makes it durable under its name.
    pub fn complete(&self) -> io::Result<u64> {
        let file = File::open(&self.part)?;
        self.syncing.wait()?;
        file.sync_all()?;
        fs::rename(&self.part, &self.whole)?;
        atomic::sync_folder(&self.whole)?;
        Ok(file.metadata()?.len())
    }
}

/// The report, once it is whole.
pub fn whole(folder: &Path, extension: &str) -> PathBuf {
    folder.join(NATIVE_STEM).with_extension(extension)
}

/// Of the worker whose file of a report this is.
fn fence_of(path: &Path) -> Option<Fence> {
    let name = path.file_name()?.to_str()?.strip_prefix(NATIVE_STEM)?;
    name.strip_prefix('-')?.strip_suffix(".part")?.parse().ok().map(Fence)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

struct PartWriter {
    file: SyncingWriter<File>,
    met_full_disk: Arc<AtomicBool>,
}

impl ReportWriter for PartWriter {
    fn restart(&mut self) -> io::Result<()> {
        let mut file = self.file.get_ref();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0)).map(drop)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        if written.as_ref().is_err_and(disk::is_full) {
            self.met_full_disk.store(true, Ordering::Release);
        }
        written
    }
}
