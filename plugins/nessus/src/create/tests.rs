use scanhost_sdk::backend::scanner::{Credential, LoginSecret, ScanType};
use serde_json::{Value, json};

use super::*;
use crate::answer;

fn request() -> ScanRequest {
    ScanRequest {
        task_id: "01J".to_owned(),
        name: "Weekly \"audit\"".to_owned(),
        description: "of the lab".to_owned(),
        scan_type: ScanType::Untrusted,
        targets: vec!["10.0.0.1".to_owned(), "10.1.0.0/24".to_owned(), "10.2.0.1-10.2.0.9".to_owned()],
        credential: None,
    }
}

fn sent(options: &Options, request: &ScanRequest) -> Value {
    serde_json::to_value(body("ad62", options, "i", request).unwrap()).unwrap()
}

#[test]
fn body_has_the_documented_form() {
    let expected = json!({"uuid": "ad62", "settings": {
        "name": "Weekly \"audit\" [scanhost i 01J]", "text_targets": "10.0.0.1,10.1.0.0/24,10.2.0.1-10.2.0.9",
        "description": "of the lab", "enabled": true, "scanner_id": 1, "launch_now": false}});
    assert_eq!(sent(&Options::default(), &request()), expected);
}

#[test]
fn body_has_the_options_and_the_credential() {
    let credential =
        Credential { username: "u".to_owned(), secret: LoginSecret::Password("{p}".to_owned()), escalation: None };
    let request = ScanRequest { scan_type: ScanType::Trusted, credential: Some(credential), ..request() };
    let options = Options { folder_id: Some(9), scanner_id: 4, ..Options::default() };
    let body = sent(&options, &request);
    assert_eq!((&body["settings"]["folder_id"], &body["settings"]["scanner_id"]), (&json!(9), &json!(4)));
    assert_eq!(body["credentials"]["add"]["Host"]["SSH"][0]["password"], "{p}");
}

#[test]
fn request_without_targets_is_invalid() {
    let request = ScanRequest { targets: Vec::new(), ..request() };
    assert!(matches!(body("ad62", &Options::default(), "i", &request), Err(ScanError::Invalid(_))));
}

#[test]
fn template_is_looked_up_by_name() {
    let list =
        r#"{"templates":[{"name":null},{"name":"basic","uuid":"b1"},{"name":"advanced","uuid":"a1","title":"x"}]}"#;
    assert_eq!(template_uuid(answer(200, list), "advanced").unwrap(), "a1");
    for (status, body) in [(200, list), (200, r#"{"templates":null}"#), (200, "{}")] {
        assert!(matches!(template_uuid(answer(status, body), "malware"), Err(ScanError::Unsupported(_))), "{body}");
    }
    assert!(matches!(template_uuid(answer(403, ""), "advanced"), Err(ScanError::Unauthorized(_))));
}

#[test]
fn id_of_the_created_scan_is_decimal_text() {
    let remote = read_created(answer(200, r#"{"scan":{"id":17,"uuid":"template-99","name":"x"}}"#)).unwrap();
    assert_eq!((remote.id.as_str(), SavedState::read(&remote.state)), ("17", SavedState { launched: false }));
}

#[test]
fn each_refusal_has_its_own_error() {
    for (status, body, expected) in [
        (400, "", "Invalid"),
        (403, "", "Unauthorized"),
        (404, "", "Invalid"),
        (412, r#"{"error":"API is not available"}"#, "Unsupported"),
        (500, "", "Unavailable"),
        (200, "<html>", "Internal"),
        (200, r#"{"scan":{"id":"not-a-number"}}"#, "Internal"),
    ] {
        let error = read_created(answer(status, body)).unwrap_err();
        assert!(format!("{error:?}").contains(expected), "{status} {body}: {error:?}");
    }
}
