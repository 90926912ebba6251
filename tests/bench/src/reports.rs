//! The reports of a run: generated here once, or given as files.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::generator;

/// The size in bytes for which most targets are set.
const STANDARD_SIZE: u64 = 100_000_000;

pub struct Reports {
    folder: TempDir,
    /// Sorted by size, the smallest first. Never empty.
    reports: Vec<ReportFile>,
}

#[derive(Clone, Debug)]
pub struct ReportFile {
    /// The name of the file in the folder of reports.
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
}

impl Reports {
    /// Generates reports of about these sizes.
    pub fn generated(megabytes: &[f64]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = megabytes.iter().map(|size| {
            let path = folder.path().join(format!("generated-{size}.nessus"));
            eprintln!("generating a report of {size} MB");
            generator::write(&path, (size * 1e6) as u64).unwrap();
            path
        });
        let files = files.collect();
        Self::new(folder, files)
    }

    pub fn given(files: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let links = files.iter().enumerate().map(|(number, file)| {
            let path = folder.path().join(format!("given-{number}.nessus"));
            symlink(file.canonicalize().unwrap(), &path).unwrap();
            path
        });
        let links = links.collect();
        Self::new(folder, links)
    }

    fn new(folder: TempDir, files: Vec<PathBuf>) -> Self {
        let report = |path: PathBuf| ReportFile {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            bytes: fs::metadata(&path).unwrap().len(),
            path,
        };
        let mut reports: Vec<ReportFile> = files.into_iter().map(report).collect();
        reports.sort_by_key(|report| report.bytes);
        assert!(!reports.is_empty(), "there has to be at least one report");
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

    /// The report whose size is nearest to 100 MB.
    pub fn standard(&self) -> &ReportFile {
        self.reports.iter().min_by_key(|report| report.bytes.abs_diff(STANDARD_SIZE)).unwrap()
    }
}

impl ReportFile {
    /// The size as the table shows it.
    pub fn size(&self) -> String {
        match self.bytes {
            10_000_000.. => format!("{:.0} MB", self.bytes as f64 / 1e6),
            _ => format!("{:.1} MB", self.bytes as f64 / 1e6),
        }
    }
}
