//! Which findings a report has, as far as two reports can be compared: host, port, protocol, plugin and severity.

use hashbrown::HashMap;
use scanhost_domain::finding::{Severity, Value};

use super::{
    error::ReportError,
    records::{Place, Record, Records},
    report::Report,
};

/// What makes two findings the same, in this order in a record.
const FIELDS: [&str; 5] = ["host", "port", "protocol", "plugin_id", "severity"];

/// Findings that are the same are one, as bad as the worst of them.
#[derive(Default)]
pub struct Survey {
    texts: HashMap<String, u32>,
    found: HashMap<Identity, Found>,
}

/// Texts are numbers of the survey that it is in. To lack a field is to agree in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Identity {
    host: Option<u32>,
    port: Option<i64>,
    protocol: Option<u32>,
    plugin: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub severity: Severity,
    /// Of the first of them.
    pub place: Place,
}

impl Survey {
    /// # Errors
    /// When the findings cannot be read.
    pub fn of(report: &Report) -> Result<Self, ReportError> {
        let fields = FIELDS.map(|name| report.columns().find(name));
        let mut survey = Self::default();
        for (segment, index) in report.segments().iter().zip(0..) {
            let places: Vec<Place> = (0..segment.rows).map(|row| Place { segment: index, row }).collect();
            let records = Records::read(report, &places, &fields)?;
            for (record, place) in records.iter().zip(places) {
                survey.add(record, place);
            }
        }
        Ok(survey)
    }

    fn add(&mut self, record: Record<'_>, place: Place) {
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
        let found = self.found.entry(identity).or_insert(Found { severity, place });
        found.severity = found.severity.max(severity);
    }

    fn text(&mut self, value: Option<&Value>) -> Option<u32> {
        let Some(Value::Text(text)) = value else { return None };
        let next = u32::try_from(self.texts.len()).expect("there are fewer hosts than findings");
        Some(*self.texts.entry_ref(text.as_str()).or_insert(next))
    }

    /// Each finding with what the other survey has of it.
    pub fn against<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (Found, Option<Found>)> {
        let mut theirs = vec![None; self.texts.len()];
        for (text, number) in &self.texts {
            theirs[*number as usize] = other.texts.get(text.as_str()).copied();
        }
        let translate = move |text: Option<u32>| match text {
            // A text that the other never has is of no finding there.
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
