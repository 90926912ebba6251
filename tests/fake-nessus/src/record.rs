//! Records of requests, counted by marker: the 26-character ULID that a client puts into the name or description of a
//! scan to recognize it.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::Value;

use crate::Operation;

/// The largest number of different values that are recorded of one header.
const MAX_HEADER_VALUES: usize = 64;

/// The records of all requests since the start or the last reset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Records {
    /// All requests.
    #[serde(rename = "asked")]
    pub received: Counts,
    /// The requests that were executed successfully, whether or not the answer arrived.
    #[serde(rename = "done")]
    pub executed: Counts,
    /// The records by marker. The empty marker stands for scans without one.
    pub markers: BTreeMap<String, Record>,
}

/// The requests for the scans with one marker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    #[serde(rename = "asked")]
    pub received: Counts,
    #[serde(rename = "done")]
    pub executed: Counts,
    /// The bodies of all create requests, including refused ones.
    pub creates: Vec<Value>,
    /// The values of each header, by its name in lower case.
    pub headers: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Operation, u64>);

impl Counts {
    pub fn count(&self, operation: Operation) -> u64 {
        self.0.get(&operation).copied().unwrap_or(0)
    }

    fn add(&mut self, operation: Operation) {
        *self.0.entry(operation).or_default() += 1;
    }
}

impl Records {
    pub fn record(&self, marker: &str) -> Record {
        self.markers.get(marker).cloned().unwrap_or_default()
    }

    pub fn count_received(&mut self, operation: Operation) {
        self.received.add(operation);
    }

    /// Counts a request for the scans with this marker, and returns their record.
    pub fn count_received_for(&mut self, marker: &str, operation: Operation, headers: &HeaderMap) -> &mut Record {
        let record = self.markers.entry(marker.to_owned()).or_default();
        record.received.add(operation);
        record.add_headers(headers);
        record
    }

    pub fn count_executed(&mut self, marker: Option<&str>, operation: Operation) {
        self.executed.add(operation);
        if let Some(marker) = marker {
            self.markers.entry(marker.to_owned()).or_default().executed.add(operation);
        }
    }
}

impl Record {
    fn add_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            if name == header::CONTENT_LENGTH {
                continue;
            }
            let values = self.headers.entry(name.as_str().to_owned()).or_default();
            if values.len() < MAX_HEADER_VALUES {
                values.insert(String::from_utf8_lossy(value.as_bytes()).into_owned());
            }
        }
    }
}

/// Finds the marker in the name of a scan, or else in its description.
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
