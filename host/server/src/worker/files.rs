//! A scan's files while it runs: the report as it arrives and as it is read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use scanhost_sandbox::capability::{Level, LogSink, ReportReader, ReportWriter};

use crate::{host::NATIVE_STEM, store::atomic};

/// The report on its way in. It has its name only once it is whole.
pub struct Arriving {
    part: PathBuf,
    whole: PathBuf,
}

impl Arriving {
    pub fn new(folder: &Path, extension: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let whole = folder.join(NATIVE_STEM).with_extension(extension);
        Ok(Self { part: folder.join(NATIVE_STEM).with_extension("part"), whole })
    }

    pub fn whole(&self) -> &Path {
        &self.whole
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
        Ok(Box::new(PartWriter(file)))
    }

    /// Makes it durable under its name.
    pub fn complete(&self) -> io::Result<u64> {
        let file = File::open(&self.part)?;
        file.sync_all()?;
        fs::rename(&self.part, &self.whole)?;
        atomic::sync_folder(&self.whole)?;
        Ok(file.metadata()?.len())
    }
}

struct PartWriter(File);

impl ReportWriter for PartWriter {
    fn restart(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.seek(SeekFrom::Start(0)).map(drop)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}

/// The report on its way through the plugin's parser.
pub struct ReportFile(File);

impl ReportFile {
    /// The file and its size in bytes.
    pub fn open(path: &Path) -> io::Result<(Box<dyn ReportReader>, u64)> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((Box::new(Self(file)), size))
    }
}

impl ReportReader for ReportFile {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; max];
        let read = self.0.read(&mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

/// A plugin's lines in the host's log.
pub struct PluginLog {
    pub plugin: String,
    pub trace: String,
}

impl LogSink for PluginLog {
    fn write(&mut self, level: Level, message: &str) {
        let (plugin, trace) = (&self.plugin, &self.trace);
        let message = message.replace(char::is_control, " ");
        match level {
            Level::Debug => tracing::debug!(plugin, trace, "{message}"),
            Level::Info => tracing::info!(plugin, trace, "{message}"),
            Level::Warn => tracing::warn!(plugin, trace, "{message}"),
            Level::Error => tracing::error!(plugin, trace, "{message}"),
        }
    }
}
