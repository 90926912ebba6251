//! What has changed from one report to another. All changes are counted, and a page of each kind is listed, the worst
//! first.

use scanhost_domain::finding::{Severity, Value};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    clip::clip,
    error::ReportError,
    finding_index::FindingIndex,
    records::{Position, Records},
    report::Report,
};

/// The fields of a listed finding, in this order in a record.
const FIELDS: [&str; 5] = ["host", "port", "protocol", "plugin_id", "plugin_name"];

/// The part of each list that an answer has.
#[derive(Clone, Copy, Debug)]
pub struct ComparisonPage {
    pub skip: usize,
    pub limit: usize,
}

/// The arguments that get the next page of each list.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Resume {
    pub skip: usize,
    pub limit: usize,
}

/// Every finding of either report is in exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeCounts {
    /// not in the baseline
    pub new: usize,
    /// only in the baseline
    pub gone: usize,
    /// in both, with the same severity
    pub still_there: usize,
    /// in both, with another severity
    pub severity_changed: usize,
}

/// One finding that is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_name: Option<String>,
    pub severity: &'static str,
    /// the severity in the baseline, if it has changed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_severity: Option<&'static str>,
}

/// The counts, and the positions of the findings to list, whose fields are not read yet.
pub struct Comparison {
    pub counts: ChangeCounts,
    new: Vec<Listed>,
    gone: Vec<Listed>,
    still_there: Vec<Listed>,
    severity_changed: Vec<Listed>,
    /// Present if a list goes on.
    pub resume: Option<Resume>,
}

#[derive(Clone, Copy, Debug)]
struct Listed {
    severity: Severity,
    baseline: Option<Severity>,
    position: Position,
}

/// The lists, each of one page at most.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Changes {
    pub new: Vec<Change>,
    pub gone: Vec<Change>,
    pub severity_changed: Vec<Change>,
    pub still_there: Vec<Change>,
}

impl Comparison {
    pub fn new(baseline: &FindingIndex, current: &FindingIndex, page: ComparisonPage) -> Self {
        let [mut new, mut gone, mut still_there, mut severity_changed] = [const { Vec::new() }; 4];
        for (found, before) in current.matched_with(baseline) {
            let listed = |baseline| Listed { severity: found.severity, baseline, position: found.position };
            match before.map(|before| before.severity) {
                None => new.push(listed(None)),
                Some(before) if before == found.severity => still_there.push(listed(None)),
                Some(before) => severity_changed.push(listed(Some(before))),
            }
        }
        for (found, after) in baseline.matched_with(current) {
            if after.is_none() {
                gone.push(Listed { severity: found.severity, baseline: None, position: found.position });
            }
        }
        let counts = ChangeCounts {
            new: new.len(),
            gone: gone.len(),
            still_there: still_there.len(),
            severity_changed: severity_changed.len(),
        };
        let lists = [&mut new, &mut gone, &mut still_there, &mut severity_changed];
        let mut has_more = false;
        for list in lists {
            has_more |= page.cut(list);
        }
        let ComparisonPage { skip, limit } = page;
        let resume = has_more.then(|| Resume { skip: skip.saturating_add(limit), limit });
        Self { counts, new, gone, still_there, severity_changed, resume }
    }

    /// Reads the lists of findings that the current report has.
    pub fn read_current(&self, current: &Report) -> Result<Changes, ReportError> {
        Ok(Changes {
            new: read(current, &self.new)?,
            gone: Vec::new(),
            severity_changed: read(current, &self.severity_changed)?,
            still_there: read(current, &self.still_there)?,
        })
    }

    /// Reads the list of findings that only the baseline has.
    pub fn read_gone(&self, baseline: &Report) -> Result<Vec<Change>, ReportError> {
        read(baseline, &self.gone)
    }
}

impl ComparisonPage {
    /// Cuts the list down to this page, the worst first and then as in the report. Returns whether the list goes on.
    fn cut(self, list: &mut Vec<Listed>) -> bool {
        list.sort_unstable_by_key(|listed| (std::cmp::Reverse(listed.severity), listed.position));
        list.drain(..self.skip.min(list.len()));
        let has_more = list.len() > self.limit;
        list.truncate(self.limit);
        has_more
    }
}

fn read(report: &Report, listed: &[Listed]) -> Result<Vec<Change>, ReportError> {
    let positions: Vec<Position> = listed.iter().map(|listed| listed.position).collect();
    let records = Records::read(report, &positions, &FIELDS.map(|name| report.columns().find(name)))?;
    let text = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => Some(clip(text)),
        _ => None,
    };
    let integer = |value: Option<&Value>| match value {
        Some(Value::Integer(integer)) => Some(*integer),
        _ => None,
    };
    let change = |(listed, record): (&Listed, super::records::Record<'_>)| Change {
        host: text(record.get(0)),
        port: integer(record.get(1)),
        protocol: text(record.get(2)),
        plugin_id: integer(record.get(3)),
        plugin_name: text(record.get(4)),
        severity: listed.severity.name(),
        baseline_severity: listed.baseline.map(Severity::name),
    };
    Ok(listed.iter().zip(records.iter()).map(change).collect())
}
