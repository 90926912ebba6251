//! A native report on its way through its backend's parser.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use scanhost_sandbox::capability::ReportReader;

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
        let mut bytes = Vec::with_capacity(max);
        // Not zeroed before: that would cost as much as reading.
        self.0.by_ref().take(max as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
