//! What the server was asked, counted per marker: the 26-character ULID that a client puts into a scan's name or
//! description to know it again.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::Value;

use crate::Operation;

/// Different values kept of one header: enough to compare, and bounded.
const HEADER_VALUES: usize = 64;

/// Everything since the start or the last reset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Records {
    /// Every request, whatever it was about.
    pub asked: Counts,
    /// Those that were acted upon with success, whether or not the answer arrived.
    pub done: Counts,
    /// By marker; the empty one stands for scans without.
    pub markers: BTreeMap<String, Record>,
}

/// What was asked about the scans with one marker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    pub asked: Counts,
    pub done: Counts,
    /// The bodies of creates as they were received, refused ones too.
    pub creates: Vec<Value>,
    /// The values that were seen of each header, by its name in lower case.
    pub headers: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Operation, u64>);

impl Counts {
    pub fn of(&self, operation: Operation) -> u64 {
        self.0.get(&operation).copied().unwrap_or(0)
    }

    fn add(&mut self, operation: Operation) {
        *self.0.entry(operation).or_default() += 1;
    }
}

impl Records {
    pub fn of(&self, marker: &str) -> Record {
        self.markers.get(marker).cloned().unwrap_or_default()
    }

    pub fn ask(&mut self, operation: Operation) {
        self.asked.add(operation);
    }

    pub fn ask_about(&mut self, marker: &str, operation: Operation, headers: &HeaderMap) -> &mut Record {
        let record = self.markers.entry(marker.to_owned()).or_default();
        record.asked.add(operation);
        record.see(headers);
        record
    }

    pub fn finish(&mut self, marker: Option<&str>, operation: Operation) {
        self.done.add(operation);
        if let Some(marker) = marker {
            self.markers.entry(marker.to_owned()).or_default().done.add(operation);
        }
    }
}

impl Record {
    fn see(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            if name == header::CONTENT_LENGTH {
                continue;
            }
            let values = self.headers.entry(name.as_str().to_owned()).or_default();
            if values.len() < HEADER_VALUES {
                values.insert(String::from_utf8_lossy(value.as_bytes()).into_owned());
            }
        }
    }
}

/// The marker in a scan's name, else in its description.
pub fn marker_in(name: &str, description: &str) -> Option<String> {
    [name, description]
        .into_iter()
        .flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()))
        .find(|word| is_ulid(word))
        .map(str::to_owned)
}

fn is_ulid(word: &str) -> bool {
    word.len() == 26
        && word.as_bytes()[0] <= b'7'
        && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() && !matches!(b, b'I' | b'L' | b'O' | b'U'))
}
