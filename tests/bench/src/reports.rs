//! The reports that are measured with: made here, each once, or given as files.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::generator;

/// Where the bars for one size count.
const USUAL: u64 = 100_000_000;

pub struct Reports {
    folder: TempDir,
    /// The smallest first; at least one.
    reports: Vec<ReportFile>,
}

#[derive(Clone, Debug)]
pub struct ReportFile {
    /// Its file in the folder of all reports.
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
}

impl Reports {
    /// Of about so many MB each.
    pub fn generated(megabytes: &[f64]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = megabytes.iter().map(|size| {
            let path = folder.path().join(format!("generated-{size}.nessus"));
            eprintln!("making a report of {size} MB");
            generator::write(&path, (size * 1e6) as u64).unwrap();
            path
        });
        let made = made.collect();
        Self::new(folder, made)
    }

    pub fn given(files: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let linked = files.iter().enumerate().map(|(number, file)| {
            let path = folder.path().join(format!("given-{number}.nessus"));
            symlink(file.canonicalize().unwrap(), &path).unwrap();
            path
        });
        let linked = linked.collect();
        Self::new(folder, linked)
    }

    fn new(folder: TempDir, files: Vec<PathBuf>) -> Self {
        let report = |path: PathBuf| ReportFile {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            bytes: fs::metadata(&path).unwrap().len(),
            path,
        };
        let mut reports: Vec<ReportFile> = files.into_iter().map(report).collect();
        reports.sort_by_key(|report| report.bytes);
        assert!(!reports.is_empty(), "there is nothing to measure with");
        Self { folder, reports }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn iter(&self) -> impl Iterator<Item = &ReportFile> {
        self.reports.iter()
    }

    pub fn smallest(&self) -> &ReportFile {
        &self.reports[0]
    }

    pub fn largest(&self) -> &ReportFile {
        self.reports.last().unwrap()
    }

    /// The one nearest to 100 MB.
    pub fn usual(&self) -> &ReportFile {
        self.reports.iter().min_by_key(|report| report.bytes.abs_diff(USUAL)).unwrap()
    }
}

impl ReportFile {
    /// As it is called in the table.
    pub fn size(&self) -> String {
        match self.bytes {
            10_000_000.. => format!("{:.0} MB", self.bytes as f64 / 1e6),
            _ => format!("{:.1} MB", self.bytes as f64 / 1e6),
        }
    }
}
