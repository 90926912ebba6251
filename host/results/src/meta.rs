//! What is known of a whole report, as it is stored beside its findings.

use scanhost_domain::{
    field::{Columns, FieldType},
    scan::{AuthenticationStatus, SeverityCounts, Summary, Warning},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportMeta {
    pub backend: String,
    pub report_name: Option<String>,
    pub report_targets: Option<String>,
    pub hosts: u32,
    pub total: u64,
    /// The counts of critical, high, medium, low and info findings.
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

    pub fn columns(&self) -> Columns {
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
