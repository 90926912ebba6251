//! What this backend is.

use scanhost_sdk::backend::{
    scanner::{Description, Field, ScanType},
    types::FieldType,
};

/// Whenever a newer version cannot read the state of an older one.
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
        // It logs in nowhere.
        scan_types: vec![ScanType::Untrusted],
        auth: Vec::new(),
        fields: vec![
            text("service_product", "What answers at the port, as nmap recognised it"),
            text("service_version", "Its version"),
            text("script_id", "The script of nmap that says it"),
            text("vulnerability_state", "How sure the script is: VULNERABLE, LIKELY VULNERABLE or NOT VULNERABLE"),
        ],
    }
}
