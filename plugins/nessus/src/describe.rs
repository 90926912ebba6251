//! The description of this backend.

use scanhost_sdk::backend::scanner::{AuthScheme, Description, Field, FieldType, KeyAuth, ScanType, SessionAuth};

pub fn describe() -> Description {
    Description {
        name: "nessus".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        report_extension: "nessus".to_owned(),
        state_version: 1,
        resumable: true,
        scan_types: vec![ScanType::Untrusted, ScanType::Trusted, ScanType::Privileged],
        auth: vec![AuthScheme::Keys(keys()), AuthScheme::Session(session())],
        fields: FIELDS.iter().map(|(name, description)| text_field(name, description)).collect(),
    }
}

fn keys() -> KeyAuth {
    KeyAuth { header: "X-ApiKeys".to_owned(), template: "accessKey={access_key}; secretKey={secret_key}".to_owned() }
}

fn session() -> SessionAuth {
    SessionAuth {
        login_path: "/session".to_owned(),
        login_body: r#"{"username":"{username}","password":"{password}"}"#.to_owned(),
        token_pointer: "/token".to_owned(),
        header: "X-Cookie".to_owned(),
        template: "token={token}".to_owned(),
        logout_path: Some("/session".to_owned()),
    }
}

fn text_field(name: &str, description: &str) -> Field {
    Field { name: name.to_owned(), type_: FieldType::Text, description: description.to_owned() }
}

/// Fields of Nessus that people filter by. They are declared so that a filter on one is valid before a report has it.
/// All are text. Reports have more.
const FIELDS: &[(&str, &str)] = &[
    ("plugin_type", "how the check works: remote, local, combined, …"),
    ("plugin_publication_date", "when the check was published"),
    ("plugin_modification_date", "when the check was last changed"),
    ("vuln_publication_date", "when the vulnerability became public"),
    ("patch_publication_date", "when the vendor published a fix"),
    ("exploitability_ease", "whether exploits exist, in words"),
    ("stig_severity", "STIG severity category"),
    ("compliance-check-name", "the compliance check's title"),
    ("compliance-result", "PASSED, FAILED, WARNING or ERROR"),
    ("compliance-actual-value", "what a compliance check saw"),
    ("compliance-policy-value", "what a compliance check expects to see"),
    ("compliance-audit-file", "the audit file that a compliance check is from"),
];
