use super::*;
use crate::{Fault, Kind, Operation, Reports, When};

fn status(code: u16) -> Kind {
    Kind::Status { code: StatusCode::from_u16(code).unwrap() }
}

/// Sets faults, and lists scans until every status was compared.
async fn check_lists(faults: impl IntoIterator<Item = Fault>, expected: &[u16]) {
    let server = FakeNessus::start(instant()).await;
    server.set_faults(faults);
    let client = Client::with_keys(&server);
    let mut seen = Vec::new();
    for _ in expected {
        seen.push(client.status("GET", "/scans", Value::Null).await.as_u16());
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_next_requests_fail() {
    check_lists([Fault::next(2, Operation::List, status(503))], &[503, 503, 200, 200]).await;
}

#[tokio::test]
async fn every_third_request_fails() {
    check_lists([Fault::every(3, Operation::List, status(500))], &[200, 200, 500, 200, 200, 500]).await;
}

#[tokio::test]
async fn faults_of_one_operation_happen_one_after_the_other() {
    let faults = [Fault::next(1, Operation::List, status(500)), Fault::next(1, Operation::List, status(502))];
    check_lists(faults, &[500, 502, 200]).await;
}

#[tokio::test]
async fn other_operations_and_paths_are_spared() {
    let elsewhere = Fault { path: Some("/tokens".to_owned()), ..Fault::next(9, Operation::List, status(500)) };
    check_lists([elsewhere, Fault::next(9, Operation::Create, status(500))], &[200]).await;
}

#[tokio::test]
async fn a_fault_without_operation_is_for_all() {
    let fault = Fault { operation: None, path: None, kind: status(500), when: When::Next(1) };
    check_lists([fault], &[500, 200]).await;
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let server = FakeNessus::start(instant()).await;
    let retry_after = Duration::from_secs(7);
    server.set_faults([Fault::next(1, Operation::List, Kind::RateLimited { retry_after })]);
    let response = Client::with_keys(&server).send("GET", "/scans", Value::Null).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
}

#[tokio::test]
async fn a_late_answer_is_right() {
    let server = FakeNessus::start(instant()).await;
    let by = Duration::from_millis(100);
    server.set_faults([Fault::next(1, Operation::List, Kind::Latency { by })]);
    let start = std::time::Instant::now();
    assert_eq!(Client::with_keys(&server).status("GET", "/scans", Value::Null).await, 200);
    assert!(start.elapsed() >= by);
}

/// A create whose connection is cut: whether there is a scan then.
async fn check_cut(kind: Kind, scans: usize) {
    let server = FakeNessus::start(instant()).await;
    server.set_faults([Fault::next(1, Operation::Create, kind)]);
    let error = Client::with_keys(&server).send("POST", "/scans", create_body()).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(server.scans().len(), scans);
    let record = server.records().of(MARKER);
    assert_eq!((record.asked.of(Operation::Create), record.done.of(Operation::Create)), (1, scans as u64));
}

#[tokio::test]
async fn a_drop_before_acting_does_nothing() {
    check_cut(Kind::DropBefore, 0).await;
}

#[tokio::test]
async fn a_drop_after_acting_did_it() {
    check_cut(Kind::DropAfter, 1).await;
}

#[tokio::test]
async fn a_truncated_download_breaks_off_in_its_middle() {
    let report = vec![b'x'; 200_000];
    for (kind, declared) in [(Kind::Truncate, Some(200_000)), (Kind::TruncateChunked, None)] {
        let reports = Reports::Same(report.clone().into());
        let server = FakeNessus::start(Settings { reports, ..instant() }).await;
        server.set_faults([Fault::next(1, Operation::Download, kind)]);
        let client = Client::with_keys(&server);
        let id = client.launched().await;
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
async fn a_hanging_request_ends_with_the_server() {
    let server = FakeNessus::start(instant()).await;
    server.set_faults([Fault::next(1, Operation::List, Kind::Hang)]);
    let client = Client::with_keys(&server);
    let impatient = client.request("GET", "/scans").timeout(Duration::from_millis(100));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    server.set_faults([Fault::next(1, Operation::List, Kind::Hang)]);
    let stop = async {
        wait_until(async || server.records().asked.of(Operation::List) == 2).await;
        server.stop().await;
    };
    let (answer, ()) = tokio::join!(client.send("GET", "/scans", Value::Null), stop);
    assert!(!answer.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_scan_can_end_by_itself() {
    let server = FakeNessus::start(instant()).await;
    server.set_faults([Fault::next(1, Operation::Launch, Kind::ScanAborts)]);
    let client = Client::with_keys(&server);
    let id = client.launched().await;
    assert_eq!(client.state(id).await, "aborted");
}

#[tokio::test]
async fn faults_are_set_over_http() {
    let server = FakeNessus::start(instant()).await;
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
