use super::*;
use crate::{Fault, FaultKind, FaultTiming, Operation, Reports};

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code: StatusCode::from_u16(code).unwrap() }
}

/// Sets the faults, and checks the statuses of repeated requests for the list of scans.
async fn check_list_statuses(faults: impl IntoIterator<Item = Fault>, expected: &[u16]) {
    let server = FakeNessus::start(instant_scans()).await;
    server.set_faults(faults);
    let client = Client::with_keys(&server);
    let mut statuses = Vec::new();
    for _ in expected {
        statuses.push(client.status("GET", "/scans", Value::Null).await.as_u16());
    }
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn next_requests_fail() {
    check_list_statuses([Fault::next(2, Operation::List, status(503))], &[503, 503, 200, 200]).await;
}

#[tokio::test]
async fn every_third_request_fails() {
    check_list_statuses([Fault::every(3, Operation::List, status(500))], &[200, 200, 500, 200, 200, 500]).await;
}

#[tokio::test]
async fn faults_of_one_operation_occur_in_order() {
    let faults = [Fault::next(1, Operation::List, status(500)), Fault::next(1, Operation::List, status(502))];
    check_list_statuses(faults, &[500, 502, 200]).await;
}

#[tokio::test]
async fn fault_spares_other_operations_and_paths() {
    let elsewhere = Fault { path: Some("/tokens".to_owned()), ..Fault::next(9, Operation::List, status(500)) };
    check_list_statuses([elsewhere, Fault::next(9, Operation::Create, status(500))], &[200]).await;
}

#[tokio::test]
async fn fault_without_operation_applies_to_all() {
    let fault = Fault { operation: None, path: None, kind: status(500), when: FaultTiming::Next(1) };
    check_list_statuses([fault], &[500, 200]).await;
}

#[tokio::test]
async fn rate_limit_has_retry_after() {
    let server = FakeNessus::start(instant_scans()).await;
    let retry_after = Duration::from_secs(7);
    server.set_faults([Fault::next(1, Operation::List, FaultKind::RateLimited { retry_after })]);
    let response = Client::with_keys(&server).send("GET", "/scans", Value::Null).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
}

#[tokio::test]
async fn delayed_request_is_answered_correctly() {
    let server = FakeNessus::start(instant_scans()).await;
    let delay = Duration::from_millis(100);
    server.set_faults([Fault::next(1, Operation::List, FaultKind::Latency { by: delay })]);
    let start = std::time::Instant::now();
    assert_eq!(Client::with_keys(&server).status("GET", "/scans", Value::Null).await, 200);
    assert!(start.elapsed() >= delay);
}

/// Checks that a create with this fault loses its connection, and how many scans there are then.
async fn check_closed_connection(kind: FaultKind, scans: usize) {
    let server = FakeNessus::start(instant_scans()).await;
    server.set_faults([Fault::next(1, Operation::Create, kind)]);
    let error = Client::with_keys(&server).send("POST", "/scans", create_body()).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(server.scans().len(), scans);
    let record = server.records().record(MARKER);
    assert_eq!((record.received.count(Operation::Create), record.executed.count(Operation::Create)), (1, scans as u64));
}

#[tokio::test]
async fn drop_before_does_not_execute_the_request() {
    check_closed_connection(FaultKind::DropBefore, 0).await;
}

#[tokio::test]
async fn drop_after_executes_the_request() {
    check_closed_connection(FaultKind::DropAfter, 1).await;
}

#[tokio::test]
async fn truncated_download_ends_in_the_middle() {
    let report = vec![b'x'; 200_000];
    for (kind, declared) in [(FaultKind::Truncate, Some(200_000)), (FaultKind::TruncateChunked, None)] {
        let reports = Reports::Same(report.clone().into());
        let server = FakeNessus::start(Settings { reports, ..instant_scans() }).await;
        server.set_faults([Fault::next(1, Operation::Download, kind)]);
        let client = Client::with_keys(&server);
        let id = client.create_and_launch().await;
        let export = client.json("POST", &format!("/scans/{id}/export"), json!({ "format": "nessus" })).await;
        let path = format!("/tokens/{}/download", export["token"].as_str().unwrap());
        let mut response = client.send("GET", &path, Value::Null).await.unwrap();
        assert_eq!((response.status().as_u16(), response.content_length()), (200, declared));
        let mut received = 0;
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => received += chunk.len(),
                end => break end,
            }
        };
        assert!(end.is_err() && received == 100_000, "{received} bytes, then {end:?}");
        assert_eq!(client.send("GET", &path, Value::Null).await.unwrap().bytes().await.unwrap(), report);
    }
}

#[tokio::test]
async fn hanging_request_ends_with_the_server() {
    let server = FakeNessus::start(instant_scans()).await;
    server.set_faults([Fault::next(1, Operation::List, FaultKind::Hang)]);
    let client = Client::with_keys(&server);
    let request = client.request("GET", "/scans").timeout(Duration::from_millis(100));
    assert!(request.send().await.unwrap_err().is_timeout());
    server.set_faults([Fault::next(1, Operation::List, FaultKind::Hang)]);
    let stop = async {
        wait_until(async || server.records().received.count(Operation::List) == 2).await;
        server.stop().await;
    };
    let (answer, ()) = tokio::join!(client.send("GET", "/scans", Value::Null), stop);
    assert!(!answer.unwrap_err().is_timeout());
}

#[tokio::test]
async fn launched_scan_can_abort() {
    let server = FakeNessus::start(instant_scans()).await;
    server.set_faults([Fault::next(1, Operation::Launch, FaultKind::ScanAborts)]);
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    assert_eq!(client.state(id).await, "aborted");
}

#[tokio::test]
async fn faults_can_be_set_over_http() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    let faults = json!({ "faults": [
        { "operation": "list", "kind": "rate_limited", "retry_after": 1, "next": 1 },
        { "kind": "status", "code": 502, "path": "/scans", "every": 1 },
        { "kind": "latency", "ms": 1, "every": 1 },
    ]});
    assert_eq!(client.status("POST", "/fake/faults", faults).await, 204);
    for expected in [429, 502] {
        assert_eq!(client.status("GET", "/scans", Value::Null).await, expected);
    }
    assert_eq!(client.status("POST", "/fake/reset", Value::Null).await, 204);
    assert_eq!(client.status("GET", "/scans", Value::Null).await, 200);
    for wrong in
        [json!({}), json!({ "faults": [{ "kind": "bogus", "next": 1 }] }), json!({ "faults": [{ "kind": "hang" }] })]
    {
        assert_eq!(client.status("POST", "/fake/faults", wrong.clone()).await, 400, "{wrong}");
    }
}
