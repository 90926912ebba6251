//! The highlights of a report: its worst vulnerabilities, the exploitable ones, and its worst hosts. Their size is bounded.

use scanhost_domain::{
    finding::Value,
    group::{Aggregate, Grouping, Measure},
    page::PageRequest,
};
use scanhost_sandbox::{Plan, Selection};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

use super::{clip::clip, error::ReportError, query::Selected, records::Record, report::Report, view::View};

/// How many entries each list has at most.
const MOST: i64 = 10;

/// Leaves out informational findings.
const NOT_INFO: &str = r#"{"severity":">Info"}"#;
const EXPLOITABLE: &str = r#"{"exploit_available":true}"#;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Highlights {
    /// the worst vulnerabilities by severity, score and hosts, without informational ones
    pub top_vulnerabilities: Vec<Vulnerability>,
    pub exploitable: Exploitable,
    /// the hosts with the worst findings, without informational ones
    pub top_hosts: Vec<WorstHost>,
}

/// Findings for which an exploit is available.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Exploitable {
    pub findings: i64,
    pub vulnerabilities: i64,
    pub hosts: i64,
    pub top_vulnerabilities: Vec<Vulnerability>,
}

/// One plugin's findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Vulnerability {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_name: Option<String>,
    /// the worst severity of its findings
    pub severity: String,
    /// the highest score of its findings
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvss_score: Option<f64>,
    /// absent if no finding says whether there is an exploit
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploit_available: Option<bool>,
    pub hosts: i64,
    pub findings: i64,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WorstHost {
    pub host: String,
    /// the worst severity of its findings
    pub severity: String,
    pub findings: i64,
}

impl Highlights {
    /// Reads the highlights of the report.
    pub fn of(report: &Report) -> Result<Self, ReportError> {
        let totals = plan(&[], &["findings", "plugins", "hosts"], EXPLOITABLE, &[]);
        let totals = collect(report, &totals, |record| [0, 1, 2].map(|place| integer(record, place).unwrap_or(0)))?;
        let [findings, vulnerabilities, hosts] = totals.first().copied().unwrap_or_default();
        let exploitable =
            Exploitable { findings, vulnerabilities, hosts, top_vulnerabilities: worst(report, EXPLOITABLE)? };
        let hosts = plan(&["host"], &["host", "severity", "findings"], NOT_INFO, &["severity", "findings"]);
        let top_hosts = collect(report, &hosts, |record| WorstHost {
            host: text(record, 0).unwrap_or_default(),
            severity: severity(record, 1),
            findings: integer(record, 2).unwrap_or(0),
        })?;
        Ok(Self { top_vulnerabilities: worst(report, NOT_INFO)?, exploitable, top_hosts })
    }
}

fn worst(report: &Report, filters: &str) -> Result<Vec<Vulnerability>, ReportError> {
    let fields = ["plugin_id", "plugin_name", "severity", "cvss_score", "exploit_available", "hosts", "findings"];
    let plan = plan(&["plugin_id"], &fields, filters, &["severity", "cvss_score", "hosts", "findings"]);
    collect(report, &plan, |record| Vulnerability {
        plugin_id: integer(record, 0),
        plugin_name: text(record, 1),
        severity: severity(record, 2),
        cvss_score: match record.get(3) {
            Some(Value::Number(score)) => Some(*score),
            _ => None,
        },
        exploit_available: match record.get(4) {
            Some(Value::Boolean(is_available)) => Some(*is_available),
            _ => None,
        },
        hosts: integer(record, 5).unwrap_or(0),
        findings: integer(record, 6).unwrap_or(0),
    })
}

/// A plan that groups by the fields `by`, shows `fields`, and orders by `order` from high to low.
fn plan(by: &[&str], fields: &[&str], filters: &str, order: &[&str]) -> Plan {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let aggregates = [
        ("findings", Measure::Count),
        ("hosts", Measure::Distinct("host".into())),
        ("plugins", Measure::Distinct("plugin_id".into())),
        ("severity", Measure::Highest("severity".into())),
        ("cvss_score", Measure::Highest("cvss_score".into())),
        ("exploit_available", Measure::Highest("exploit_available".into())),
    ];
    let aggregates = aggregates.map(|(name, measure)| Aggregate { name: name.to_owned(), measure });
    Plan {
        fields: Selection::Some(owned(fields)),
        filters: filters.to_owned(),
        group: Some(Grouping { by: owned(by), aggregates: aggregates.into() }),
        order: order.iter().map(|name| ((*name).to_owned(), true)).collect(),
    }
}

fn collect<T>(report: &Report, plan: &Plan, read: impl Fn(Record<'_>) -> T) -> Result<Vec<T>, ReportError> {
    let view = View::new("summary".into(), None, plan, &Map::new(), report.columns());
    let view = view.expect("filters of our own are well formed and on fields that are always known");
    let page = PageRequest::parse(1, MOST, 0).expect("no number is negative");
    let mut rows = Vec::new();
    Selected::select(report, &view, page)?.each::<ReportError>(|record| {
        rows.push(read(record));
        Ok(true)
    })?;
    Ok(rows)
}

fn integer(record: Record<'_>, place: usize) -> Option<i64> {
    match record.get(place) {
        Some(Value::Integer(integer)) => Some(*integer),
        _ => None,
    }
}

fn text(record: Record<'_>, place: usize) -> Option<String> {
    match record.get(place) {
        Some(Value::Text(text)) => Some(clip(text)),
        _ => None,
    }
}

fn severity(record: Record<'_>, place: usize) -> String {
    match record.get(place) {
        Some(Value::Severity(severity)) => severity.name().to_owned(),
        _ => String::new(),
    }
}
