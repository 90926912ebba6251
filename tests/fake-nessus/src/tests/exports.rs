use super::*;
use crate::{Fault, FaultKind, Operation, Reports};

/// Requests an export, and returns its path by file number and its path by token.
async fn request_export(client: &Client, id: u64) -> [String; 2] {
    let answer = client.json("POST", &format!("/scans/{id}/export"), json!({ "format": "nessus" })).await;
    let (file, token) = (&answer["file"], answer["token"].as_str().unwrap());
    [format!("/scans/{id}/export/{file}"), format!("/tokens/{token}")]
}

async fn export_state(client: &Client, path: &str) -> Value {
    client.json("GET", &format!("{path}/status"), Value::Null).await["status"].clone()
}

async fn download(client: &Client, path: &str) -> Response {
    client.send("GET", &format!("{path}/download"), Value::Null).await.unwrap()
}

#[tokio::test]
async fn both_paths_return_the_report_byte_for_byte_in_chunks() {
    let report: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let server = FakeNessus::start(Settings { reports: Reports::Same(report.clone().into()), ..instant_scans() }).await;
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    for path in request_export(&client, id).await {
        assert_eq!(export_state(&client, &path).await, "ready");
        let response = download(&client, &path).await;
        assert_eq!(response.headers()["transfer-encoding"], "chunked");
        assert_eq!(response.bytes().await.unwrap(), report);
    }
}

#[tokio::test]
async fn export_is_loading_before_it_is_ready() {
    let server = FakeNessus::start(Settings { export_duration: Duration::from_secs(2), ..instant_scans() }).await;
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    let [path, _] = request_export(&client, id).await;
    assert_eq!(export_state(&client, &path).await, "loading");
    assert_eq!(download(&client, &path).await.status(), 409);
    wait_until(async || export_state(&client, &path).await == "ready").await;
    assert_eq!(download(&client, &path).await.status(), 200);
}

#[tokio::test]
async fn scan_without_results_is_not_exported() {
    let server = FakeNessus::start(slow_scans()).await;
    let client = Client::with_keys(&server);
    let (created, running) = (client.create().await, client.create_and_launch().await);
    for (path, expected) in [
        (format!("/scans/{created}/export"), 404),
        (format!("/scans/{running}/export"), 404),
        ("/scans/999/export".to_owned(), 404),
    ] {
        assert_eq!(client.status("POST", &path, json!({ "format": "nessus" })).await, expected, "{path}");
    }
    assert_eq!(client.status("GET", "/tokens/bogus/status", Value::Null).await, 404);
}

#[tokio::test]
async fn failed_export_can_be_repeated() {
    let server = FakeNessus::start(instant_scans()).await;
    server.set_faults([Fault::next(1, Operation::Export, FaultKind::ExportFails)]);
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    let [first, _] = request_export(&client, id).await;
    let [second, _] = request_export(&client, id).await;
    assert_eq!(
        (export_state(&client, &first).await, export_state(&client, &second).await),
        ("error".into(), "ready".into())
    );
    assert_eq!(download(&client, &first).await.status(), 404);
}

#[tokio::test]
async fn generated_report_contains_its_marker() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    let [path, _] = request_export(&client, id).await;
    let report = download(&client, &path).await.text().await.unwrap();
    assert!(report.contains(&format!("<plugin_output>marker {MARKER} on 10.0.0.2</plugin_output>")), "{report}");
    assert!(report.contains("Credentialed checks : no"));
}
