use super::*;
use crate::{Operation, record::marker_in};

#[test]
fn marker_is_a_separate_ulid() {
    let table = [
        ("scanhost:01JD2Q3R4S5T6V7W8X9YZABCDE", "", Some(MARKER)),
        ("nightly", "[01JD2Q3R4S5T6V7W8X9YZABCDE]", Some(MARKER)),
        ("nightly", "01JD2Q3R4S5T6V7W8X9YZABCDEF", None),
        ("nightly", "91JD2Q3R4S5T6V7W8X9YZABCDE", None),
        ("nightly", "01JD2Q3R4S5T6V7W8X9YZABCDU", None),
        ("", "", None),
    ];
    for (name, description, expected) in table {
        assert_eq!(marker_in(name, description).as_deref(), expected, "{name:?} {description:?}");
    }
}

#[tokio::test]
async fn requests_of_a_scan_are_counted_by_its_marker() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    let created = client.request("POST", "/scans").header("traceparent", "00-ab-cd-01").json(&create_body());
    let created: Value = created.send().await.unwrap().json().await.unwrap();
    let id = created["scan"]["id"].as_u64().unwrap();
    client.json("POST", &format!("/scans/{id}/launch"), json!({})).await;
    client.state(id).await;
    let export = client.json("POST", &format!("/scans/{id}/export"), json!({ "format": "nessus" })).await;
    for (method, path) in [
        ("GET", format!("/tokens/{}/status", export["token"].as_str().unwrap())),
        ("GET", format!("/scans/{id}/export/{}/download", export["file"])),
        ("POST", format!("/scans/{id}/stop")),
        ("DELETE", format!("/scans/{id}")),
        // A request for the deleted scan is still counted for its marker.
        ("DELETE", format!("/scans/{id}")),
    ] {
        client.status(method, &path, Value::Null).await;
    }
    let record = server.records().record(MARKER);
    for (operation, received, executed) in [
        (Operation::Create, 1, 1),
        (Operation::Launch, 1, 1),
        (Operation::Status, 1, 1),
        (Operation::Export, 1, 1),
        (Operation::ExportStatus, 1, 1),
        (Operation::Download, 1, 1),
        (Operation::Stop, 1, 0),
        (Operation::Delete, 2, 1),
    ] {
        assert_eq!(
            (record.received.count(operation), record.executed.count(operation)),
            (received, executed),
            "{operation:?}"
        );
    }
    assert_eq!(record.creates, [create_body()]);
    assert!(record.headers["traceparent"].contains("00-ab-cd-01"));
}

#[tokio::test]
async fn records_can_be_read_over_http() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    client.create_and_launch().await;
    let records = client.json("GET", "/fake/records", Value::Null).await;
    assert_eq!(records["asked"], json!({ "create": 1, "launch": 1 }));
    assert_eq!(records["markers"][MARKER]["done"], json!({ "create": 1, "launch": 1 }));
    assert_eq!(client.json("GET", "/fake/scans", Value::Null).await[0]["marker"], MARKER);
    client.status("POST", "/fake/reset", Value::Null).await;
    assert_eq!(client.json("GET", "/fake/records", Value::Null).await["markers"], json!({}));
    assert!(server.scans().is_empty());
}
