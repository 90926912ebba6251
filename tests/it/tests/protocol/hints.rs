//! Hints beside the content of an answer: the next call, or the reason why a list is empty.

use scanhost_it::scans::submit;
use serde_json::{Value, json};

use crate::TestHost;

const UNKNOWN_TARGET: &str = "10.200.0.1";

impl TestHost {
    /// The second block of an answer, which is a hint, or an empty text if there is no second block.
    async fn hint(&self, tool: &str, arguments: Value) -> String {
        let answer = self.call_method("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert!(answer["isError"] != true, "{tool}: {answer}");
        let content = answer["content"].as_array().expect("content");
        assert!(content.len() <= 2, "{tool}: {answer}");
        content.get(1).map_or_else(String::new, |block| block["text"].as_str().expect("text").to_owned())
    }
}

#[tokio::test]
async fn answers_name_the_next_tool() {
    let host = TestHost::start();
    let submitted = json!({ "targets": "10.0.0.1", "name": "hint" });
    assert!(host.hint("run_untrusted_scan", submitted).await.contains("wait_for_scan"));
    let (done, running) = (host.run_scan().await, host.submit_endless().await);
    let failed = submit(&host.mcp, json!({ "scanner_pool": "broken" })).await;
    scanhost_it::scans::wait_for_status(&host.mcp, &failed, "failed").await;
    for (id, next) in [(&done, "get_scan_results"), (&running, "wait_for_scan"), (&failed, "idempotency_key")] {
        for (tool, arguments) in [
            ("get_scan_status", json!({ "task_id": id })),
            ("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 0 })),
        ] {
            let hint = host.hint(tool, arguments).await;
            assert!(hint.contains(next), "{tool}: {hint}");
        }
    }
}

#[tokio::test]
async fn repeated_submit_tells_the_state_of_its_scan() {
    let host = TestHost::start();
    let submit =
        |pool: &str| json!({ "targets": "10.0.0.1", "name": "again", "scanner_pool": pool, "idempotency_key": pool });
    let ended = [("mock", "completed", "get_scan_results"), ("broken", "failed", "ended as failed")];
    for (pool, status, expected) in ended {
        let id = host.mcp.call_ok("run_untrusted_scan", submit(pool)).await["task_id"].clone();
        scanhost_it::scans::wait_for_status(&host.mcp, id.as_str().expect("an id"), status).await;
        let hint = host.hint("run_untrusted_scan", submit(pool)).await;
        assert!(hint.contains(expected), "{pool}: {hint}");
        host.mcp.call_ok("delete_scan", json!({ "task_id": id })).await;
        let hint = host.hint("run_untrusted_scan", submit(pool)).await;
        assert!(hint.contains("was deleted") && hint.contains("new idempotency_key"), "{pool}: {hint}");
    }
}

#[tokio::test]
async fn empty_list_of_scans_gives_the_reason() {
    let host = TestHost::start();
    assert!(host.hint("list_scans", json!({})).await.contains("run_untrusted_scan"));
    host.run_scan().await;
    let narrowed = host.hint("list_scans", json!({ "target": UNKNOWN_TARGET })).await;
    assert!(narrowed.contains("target"), "{narrowed}");
    assert_eq!(host.hint("list_scans", json!({})).await, "", "a list with scans needs no hint");
}

#[tokio::test]
async fn page_without_findings_gives_the_reason_in_a_hint_line() {
    let host = TestHost::start();
    let id = host.run_scan().await;
    let table = [
        (json!({ "task_id": id, "filters": { "host": UNKNOWN_TARGET } }), "None of the scan's 60 findings"),
        (json!({ "task_id": id, "page": 99 }), "Page 99 is past the end"),
    ];
    for (arguments, reason) in table {
        let hint: Value = serde_json::from_str(&host.hint("get_scan_results", arguments).await).expect("JSON");
        assert_eq!(hint["type"], "hint");
        assert!(hint["message"].as_str().is_some_and(|text| text.contains(reason)), "{hint}");
    }
    assert_eq!(host.hint("get_scan_results", json!({ "task_id": id })).await, "");
}
