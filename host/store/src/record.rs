//! A scan as it is stored: JSON with a version, so that old records can be read for ever.
//! The only place where stored text becomes a [`Scan`] again.

mod error;
mod request;
mod state;

use jiff::Timestamp;
use scanhost_domain::scan::Scan;
use serde::{Deserialize, Serialize};

pub use error::BadRecord;

use error::VERSION;
use request::RequestRecord;
use state::StateRecord;

pub fn encode(scan: &Scan) -> Vec<u8> {
    serde_json::to_vec(&ScanRecord::from(scan)).expect("a record has string keys and no foreign types")
}

/// Reads a record of this or an earlier version.
pub fn decode(bytes: &[u8]) -> Result<Scan, BadRecord> {
    let record: ScanRecord = serde_json::from_slice(bytes).map_err(|error| match serde_json::from_slice(bytes) {
        // A newer format may lack fields that this one has.
        Ok(Versioned { v }) if v > VERSION => BadRecord::Version(v),
        Ok(Versioned { .. }) | Err(_) => error.into(),
    })?;
    record.try_into()
}

/// The part that records of all versions have.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct ScanRecord {
    v: u32,
    id: String,
    trace: String,
    sequence: u64,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<String>,
    request: RequestRecord,
    state: StateRecord,
}

impl From<&Scan> for ScanRecord {
    fn from(scan: &Scan) -> Self {
        Self {
            v: VERSION,
            id: scan.id.to_string(),
            trace: scan.trace.to_string(),
            sequence: scan.sequence,
            created_at: scan.created_at,
            retry_of: scan.retry_of.as_ref().map(ToString::to_string),
            request: RequestRecord::from(&scan.request),
            state: StateRecord::from(&scan.state),
        }
    }
}

impl TryFrom<ScanRecord> for Scan {
    type Error = BadRecord;

    fn try_from(record: ScanRecord) -> Result<Self, BadRecord> {
        if record.v > VERSION {
            return Err(BadRecord::Version(record.v));
        }
        Ok(Self {
            id: record.id.try_into()?,
            trace: record.trace.try_into()?,
            sequence: record.sequence,
            created_at: record.created_at,
            retry_of: record.retry_of.map(TryInto::try_into).transpose()?,
            request: record.request.try_into()?,
            state: record.state.try_into()?,
        })
    }
}
