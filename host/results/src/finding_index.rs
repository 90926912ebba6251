//! An index of a report's findings by host, port, protocol and plugin, with which two reports are compared.

use hashbrown::HashMap;
use scanhost_domain::finding::{Severity, Value};

use super::{
    error::ReportError,
    records::{Position, Record, Records},
    report::Report,
};

/// The fields of which the first four identify a finding, in this order in a record.
const FIELDS: [&str; 5] = ["host", "port", "protocol", "plugin_id", "severity"];

/// The findings by identity. Those of one identity count as one finding, with the highest severity.
#[derive(Default)]
pub struct FindingIndex {
    texts: HashMap<String, u32>,
    found: HashMap<Identity, IndexedFinding>,
}

/// What identifies a finding. Texts are numbers of the index that it is in. Two findings that lack a field agree in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Identity {
    host: Option<u32>,
    port: Option<i64>,
    protocol: Option<u32>,
    plugin: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub struct IndexedFinding {
    pub severity: Severity,
    /// The position of the first finding with this identity.
    pub position: Position,
}

impl FindingIndex {
    /// Reads the index of the report.
    pub fn of(report: &Report) -> Result<Self, ReportError> {
        let fields = FIELDS.map(|name| report.columns().find(name));
        let mut finding_index = Self::default();
        for (segment, index) in report.segments().iter().zip(0..) {
            let positions: Vec<Position> = (0..segment.rows).map(|row| Position { segment: index, row }).collect();
            let records = Records::read(report, &positions, &fields)?;
            for (record, position) in records.iter().zip(positions) {
                finding_index.add(record, position);
            }
        }
        Ok(finding_index)
    }

    fn add(&mut self, record: Record<'_>, position: Position) {
        let identity = Identity {
            host: self.text(record.get(0)),
            port: integer(record.get(1)),
            protocol: self.text(record.get(2)),
            plugin: integer(record.get(3)),
        };
        let severity = match record.get(4) {
            Some(Value::Severity(severity)) => *severity,
            _ => Severity::Info,
        };
        let found = self.found.entry(identity).or_insert(IndexedFinding { severity, position });
        found.severity = found.severity.max(severity);
    }

    fn text(&mut self, value: Option<&Value>) -> Option<u32> {
        let Some(Value::Text(text)) = value else { return None };
        let next = u32::try_from(self.texts.len()).expect("there are fewer hosts than findings");
        Some(*self.texts.entry_ref(text.as_str()).or_insert(next))
    }

    /// Each finding, with that of the same identity in the other index.
    pub fn matched_with<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (IndexedFinding, Option<IndexedFinding>)> {
        let mut theirs = vec![None; self.texts.len()];
        for (text, number) in &self.texts {
            theirs[*number as usize] = other.texts.get(text.as_str()).copied();
        }
        let translate = move |text: Option<u32>| match text {
            // If the other index lacks the text, none of its findings has it.
            Some(text) => theirs[text as usize].map(Some),
            None => Some(None),
        };
        self.found.iter().map(move |(identity, found)| {
            let theirs = translate(identity.host).zip(translate(identity.protocol));
            let theirs = theirs.map(|(host, protocol)| Identity { host, protocol, ..*identity });
            (*found, theirs.and_then(|identity| other.found.get(&identity).copied()))
        })
    }
}

fn integer(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Integer(integer)) => Some(*integer),
        _ => None,
    }
}
