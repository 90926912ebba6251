//! What answers say beside their content: what to do next, and why there is nothing.

use scanhost_it::raw::submit;
use serde_json::{Value, json};

use crate::Desk;

const UNKNOWN_TARGET: &str = "10.200.0.1";

impl Desk {
    /// The second block of an answer; empty where there is none.
    async fn beside(&self, tool: &str, arguments: Value) -> String {
        let answer = self.method("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert!(answer["isError"] != true, "{tool}: {answer}");
        let content = answer["content"].as_array().expect("content");
        assert!(content.len() <= 2, "{tool}: {answer}");
        content.get(1).map_or_else(String::new, |block| block["text"].as_str().expect("text").to_owned())
    }
}

#[tokio::test]
async fn answers_say_what_to_do_next() {
    let desk = Desk::new();
    let submitted = json!({ "targets": "10.0.0.1", "name": "hint" });
    assert!(desk.beside("run_untrusted_scan", submitted).await.contains("wait_for_scan"));
    let (done, running) = (desk.scanned().await, desk.endless().await);
    let failed = submit(&desk.mcp, json!({ "scanner_pool": "broken" })).await;
    scanhost_it::raw::until(&desk.mcp, &failed, "failed").await;
    for (id, next) in [(&done, "get_scan_results"), (&running, "wait_for_scan"), (&failed, "idempotency_key")] {
        for (tool, arguments) in [
            ("get_scan_status", json!({ "task_id": id })),
            ("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 0 })),
        ] {
            let said = desk.beside(tool, arguments).await;
            assert!(said.contains(next), "{tool}: {said}");
        }
    }
}

#[tokio::test]
async fn a_repeated_submit_says_what_became_of_its_scan() {
    let desk = Desk::new();
    let submit =
        |pool: &str| json!({ "targets": "10.0.0.1", "name": "again", "scanner_pool": pool, "idempotency_key": pool });
    let ended = [("mock", "completed", "get_scan_results"), ("broken", "failed", "ended as failed")];
    for (pool, status, says) in ended {
        let id = desk.mcp.ok("run_untrusted_scan", submit(pool)).await["task_id"].clone();
        scanhost_it::raw::until(&desk.mcp, id.as_str().expect("an id"), status).await;
        let said = desk.beside("run_untrusted_scan", submit(pool)).await;
        assert!(said.contains(says), "{pool}: {said}");
        desk.mcp.ok("delete_scan", json!({ "task_id": id })).await;
        let said = desk.beside("run_untrusted_scan", submit(pool)).await;
        assert!(said.contains("was deleted") && said.contains("new idempotency_key"), "{pool}: {said}");
    }
}

#[tokio::test]
async fn an_empty_list_of_scans_says_why() {
    let desk = Desk::new();
    assert!(desk.beside("list_scans", json!({})).await.contains("run_untrusted_scan"));
    desk.scanned().await;
    let narrowed = desk.beside("list_scans", json!({ "target": UNKNOWN_TARGET })).await;
    assert!(narrowed.contains("target"), "{narrowed}");
    assert_eq!(desk.beside("list_scans", json!({})).await, "", "there is nothing to explain");
}

#[tokio::test]
async fn a_page_without_findings_says_why_as_one_more_json_line() {
    let desk = Desk::new();
    let id = desk.scanned().await;
    let table = [
        (json!({ "task_id": id, "filters": { "host": UNKNOWN_TARGET } }), "None of the scan's 60 findings"),
        (json!({ "task_id": id, "page": 99 }), "Page 99 is past the end"),
    ];
    for (asked, why) in table {
        let said: Value = serde_json::from_str(&desk.beside("get_scan_results", asked).await).expect("JSON");
        assert_eq!(said["type"], "hint");
        assert!(said["message"].as_str().is_some_and(|text| text.contains(why)), "{said}");
    }
    assert_eq!(desk.beside("get_scan_results", json!({ "task_id": id })).await, "");
}
