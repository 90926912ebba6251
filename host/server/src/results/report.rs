//! A report's findings as they lie in a folder: the rows, and beside them what is known of the whole report.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use scanhost_domain::{
    field::{Columns, FieldType},
    finding::Finding,
    scan::{AuthenticationStatus, SeverityCounts, Summary, Warning},
};
use serde::{Deserialize, Serialize};

use super::rows::RowReader;

/// The form that is written now.
const VERSION: u32 = 1;

const META_FILE: &str = "findings.json";
const ROWS_FILE: &str = "findings.rows";

/// Findings that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("the findings cannot be read")]
    Io(#[from] io::Error),
    #[error("the findings are damaged: {0}")]
    Damaged(String),
}

/// What is known of a whole report. Written last, so where it is, the rows are whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportMeta {
    v: u32,
    pub backend: String,
    pub report_name: Option<String>,
    pub report_targets: Option<String>,
    pub hosts: u32,
    pub total: u64,
    /// Critical, high, medium, low, info.
    counts: [u64; 5],
    authentication: String,
    warnings: Vec<(String, String)>,
    columns: Vec<String>,
    /// Fields that the backend adds to the standard ones, with their types.
    declared: Vec<(String, String)>,
}

impl ReportMeta {
    pub fn new(backend: String, names: (Option<String>, Option<String>), summary: &Summary, columns: &Columns) -> Self {
        let counts = summary.severity_counts;
        Self {
            v: VERSION,
            backend,
            report_name: names.0,
            report_targets: names.1,
            hosts: summary.hosts_scanned,
            total: summary.total_vulnerabilities,
            counts: [counts.critical, counts.high, counts.medium, counts.low, counts.info],
            authentication: summary.authentication.name().to_owned(),
            warnings: summary.warnings.iter().map(|warning| (warning.code.clone(), warning.message.clone())).collect(),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            declared: columns.declared().map(|(name, kind)| (name.to_owned(), kind.name().to_owned())).collect(),
        }
    }

    pub fn summary(&self) -> Summary {
        let [critical, high, medium, low, info] = self.counts;
        let status = AuthenticationStatus::ALL.into_iter().find(|status| status.name() == self.authentication);
        let warning = |(code, message): &(String, String)| Warning { code: code.clone(), message: message.clone() };
        Summary {
            hosts_scanned: self.hosts,
            total_vulnerabilities: self.total,
            severity_counts: SeverityCounts { critical, high, medium, low, info },
            authentication: status.unwrap_or_default(),
            warnings: self.warnings.iter().map(warning).collect(),
        }
    }

    fn columns(&self) -> Columns {
        let kinds = [
            FieldType::Text,
            FieldType::Integer,
            FieldType::Number,
            FieldType::Boolean,
            FieldType::List,
            FieldType::Severity,
        ];
        let kind = |name: &str| kinds.into_iter().find(|kind| kind.name() == name).unwrap_or(FieldType::Text);
        let mut columns = Columns::new(self.declared.iter().map(|(name, word)| (name.clone(), kind(word))));
        for name in &self.columns {
            columns.appear(name);
        }
        columns
    }
}

/// A report that was read whole.
pub struct Report {
    folder: PathBuf,
    meta: ReportMeta,
    columns: Columns,
}

impl Report {
    /// Opens what [`FindingsWriter`](super::FindingsWriter) left in the folder; none when it was not finished.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(folder: &Path) -> Result<Option<Self>, ReportError> {
        let bytes = match std::fs::read(folder.join(META_FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let meta: ReportMeta =
            serde_json::from_slice(&bytes).map_err(|error| ReportError::Damaged(format!("{META_FILE}: {error}")))?;
        if meta.v != VERSION {
            return Err(ReportError::Damaged(format!("{META_FILE} has version {}, not {VERSION}", meta.v)));
        }
        let columns = meta.columns();
        Ok(Some(Self { folder: folder.to_owned(), meta, columns }))
    }

    pub fn meta(&self) -> &ReportMeta {
        &self.meta
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The findings in the order of the report, one at a time.
    ///
    /// # Errors
    /// When the file cannot be opened; the iterator ends with an error where it cannot be read.
    pub fn findings(&self) -> Result<impl Iterator<Item = Result<Finding, ReportError>>, ReportError> {
        let file = BufReader::with_capacity(256 << 10, File::open(rows_path(&self.folder))?);
        Ok(RowReader::new(file, &self.columns, self.meta.total))
    }
}

pub fn rows_path(folder: &Path) -> PathBuf {
    folder.join(ROWS_FILE)
}

pub fn meta_path(folder: &Path) -> PathBuf {
    folder.join(META_FILE)
}
