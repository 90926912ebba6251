//! The byte budget of an answer: a truncated answer says how to continue, and continuing returns every record.

use std::time::Duration;

use scanhost_it::{
    mcp::McpClient,
    scans::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::completed_scan::records;

const PAGE_BYTES: usize = 4_096;
const ALL_BYTES: usize = 8_192;
const SMALL_BUDGET: &str = "limits: {poll_seconds: 0.1, page_bytes: 4096, all_bytes: 8192}\n";
const DEFAULT_BUDGET: &str = "limits: {poll_seconds: 0.1}\n";
const MOCK: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0, hosts: 3, findings_per_host: 20}}]";

/// Starts a server with these limits, and runs a scan with sixty findings.
async fn run_scan(limits: &str) -> (Home, Server, McpClient, String) {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", limits)]);
    let server = home.start();
    let mcp = server.mcp();
    let task_id = submit(&mcp, json!({ "targets": "10.0.0.0/24" })).await;
    mcp.wait_for_end(&task_id, Duration::from_secs(30)).await;
    (home, server, mcp, task_id)
}

/// Follows `truncated.resume` and `next_page` from the first answer to the last, and returns all records and the number
/// of truncated answers.
async fn read_all_pages(mcp: &McpClient, task_id: &str, first: Value, budget: usize) -> (Vec<Value>, usize) {
    const MAX_ANSWERS: usize = 200;
    let mut arguments = first;
    let (mut found, mut truncated_answers) = (Vec::new(), 0);
    for _ in 0..MAX_ANSWERS {
        arguments["task_id"] = task_id.into();
        let reply = mcp.call("get_scan_results", arguments.clone()).await;
        assert!(!reply.is_error, "{}", reply.text);
        let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let shown = records(&lines);
        assert!(reply.text.len() <= budget || shown.len() == 1, "{} bytes are over {budget}", reply.text.len());
        assert!(!shown.is_empty(), "every answer has a record: {}", reply.text);
        found.extend(shown.iter().map(|record| (*record).clone()));
        let kinds: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
        let closing: Vec<&str> = kinds[2 + shown.len()..].to_vec();
        let truncated = lines.iter().find(|line| line["type"] == "truncated");
        let is_all = arguments["page"] == 0;
        let expected: &[&str] = match (truncated.is_some(), is_all) {
            (true, true) => &["truncated"],
            (true, false) => &["truncated", "pagination"],
            (false, true) => &[],
            (false, false) => &["pagination"],
        };
        assert_eq!(closing, expected, "the lines after the records are as expected");
        match truncated {
            Some(truncated) => {
                truncated_answers += 1;
                assert_eq!(truncated["returned"], shown.len());
                assert!(truncated["remaining"].as_u64() > Some(0));
                let resource = truncated["resource"].as_str().expect("a resource");
                assert!(resource.starts_with(&format!("scan://{task_id}/results?")), "{resource}");
                for key in ["page", "page_size", "skip"] {
                    arguments[key] = truncated["resume"][key].clone();
                }
            }
            None if is_all => return (found, truncated_answers),
            None => {
                let next = &lines.last().expect("a pagination line")["next_page"];
                if next.is_null() {
                    return (found, truncated_answers);
                }
                arguments["page"] = next.clone();
                arguments["skip"] = 0.into();
            }
        }
    }
    panic!("the pages do not end");
}

/// All records, from a server with the default budget. The mock scanner returns the same findings in every scan.
async fn all_records() -> Vec<Value> {
    let (_home, _server, mcp, task_id) = run_scan(DEFAULT_BUDGET).await;
    let lines = mcp.results(json!({ "task_id": task_id, "page": 0, "schema_profile": "full" })).await;
    records(&lines).into_iter().cloned().collect()
}

#[tokio::test]
async fn following_truncated_pages_returns_every_record_once_in_order() {
    let expected = all_records().await;
    assert_eq!(expected.len(), 60);
    let (_home, _server, mcp, task_id) = run_scan(SMALL_BUDGET).await;
    for page_size in [10, 40, 100] {
        let first = json!({ "page_size": page_size, "schema_profile": "full" });
        let (found, truncated_answers) = read_all_pages(&mcp, &task_id, first, PAGE_BYTES).await;
        assert_eq!(found, expected, "with pages of {page_size}");
        assert!(truncated_answers > 0, "the budget was never reached");
    }
}

#[tokio::test]
async fn page_0_has_its_own_budget() {
    let expected = all_records().await;
    let (_home, _server, mcp, task_id) = run_scan(SMALL_BUDGET).await;
    let first = json!({ "page": 0, "schema_profile": "full" });
    let (found, truncated_answers) = read_all_pages(&mcp, &task_id, first, ALL_BYTES).await;
    assert_eq!(found, expected);
    assert!(truncated_answers > 0, "the budget was never reached");
}

#[tokio::test]
async fn remaining_counts_the_rest_of_the_page() {
    let (_home, _server, mcp, task_id) = run_scan(SMALL_BUDGET).await;
    let lines = mcp.results(json!({ "task_id": task_id, "page": 2, "page_size": 25, "schema_profile": "full" })).await;
    let truncated = lines.iter().find(|line| line["type"] == "truncated").expect("the budget is reached");
    let count = |key: &str| truncated[key].as_u64().expect("a number");
    assert_eq!(count("returned") + count("remaining"), 25);
    assert_eq!(truncated["resume"], json!({ "page": 2, "page_size": 25, "skip": count("returned") }));
}
