use scanhost_sdk::backend::types::ScanError;

use super::Options;

#[test]
fn missing_options_have_defaults() {
    assert_eq!(Options::parse("{}"), Ok(Options::default()));
}

#[test]
fn error_names_the_wrong_option() {
    for (json, named) in [
        (r#"{"port": "80"}"#, "port"),
        (r#"{"ports": "80 443"}"#, "`ports`"),
        (r#"{"ports": "-oN/tmp/x"}"#, "`ports`"),
        (r#"{"ports": "0"}"#, "`ports`"),
        (r#"{"ports": "70000"}"#, "`ports`"),
        (r#"{"ports": ""}"#, "`ports`"),
        (r#"{"ports": "80", "top_ports": 10}"#, "exclude"),
        (r#"{"top_ports": 0}"#, "`top_ports`"),
        (r#"{"scripts": "/tmp/x.nse"}"#, "`scripts`"),
        (r#"{"scripts": "default and safe"}"#, "`scripts`"),
        (r#"{"scripts": "-oN"}"#, "`scripts`"),
        (r#"{"scripts": "default,,vuln"}"#, "`scripts`"),
        (r#"{"timing": 6}"#, "`timing`"),
        (r#"{"version_intensity": 10}"#, "`version_intensity`"),
        (r#"{"host_timeout_minutes": 0}"#, "`host_timeout_minutes`"),
        (r#"{"technique": "xmas"}"#, "`connect` or `syn`"),
        ("[1]", "in `options`"),
    ] {
        match Options::parse(json) {
            Err(ScanError::Invalid(text)) => assert!(text.contains(named), "{json}: {text}"),
            other => panic!("{json}: {other:?}"),
        }
    }
}
