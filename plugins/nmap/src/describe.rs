//! The description of this backend.

use scanhost_sdk::backend::{
    scanner::{Description, Field, ScanType},
    types::FieldType,
};

/// Increase this whenever a newer version cannot read the state of an older one.
const STATE_VERSION: u32 = 1;

pub fn describe() -> Description {
    let text = |name: &str, description: &str| Field {
        name: name.to_owned(),
        type_: FieldType::Text,
        description: description.to_owned(),
    };
    Description {
        name: "nmap".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        report_extension: "xml".to_owned(),
        state_version: STATE_VERSION,
        // The program ends with the host that runs it.
        resumable: false,
        // nmap never logs in.
        scan_types: vec![ScanType::Untrusted],
        auth: Vec::new(),
        fields: vec![
            text("service_product", "the service at the port, as nmap recognised it"),
            text("service_version", "the version of the service"),
            text("script_id", "the nmap script that made the finding"),
            text("vulnerability_state", "how sure the script is: VULNERABLE, LIKELY VULNERABLE or NOT VULNERABLE"),
        ],
    }
}
