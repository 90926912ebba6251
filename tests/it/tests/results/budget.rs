//! The byte budget of an answer: nothing is lost in silence, and going on as told gets everything.

use std::time::Duration;

use scanhost_it::{
    mcp::Mcp,
    raw::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::reported::records;

const PAGE_BYTES: usize = 4_096;
const ALL_BYTES: usize = 8_192;
const LIMITS: &str = "limits: {poll_seconds: 0.1, page_bytes: 4096, all_bytes: 8192}\n";
const ROOMY: &str = "limits: {poll_seconds: 0.1}\n";
const MOCK: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0, hosts: 3, findings_per_host: 20}}]";

/// A server with these limits, and a scan with sixty findings on it.
async fn scanned(limits: &str) -> (Home, Server, Mcp, String) {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", limits)]);
    let server = home.start();
    let mcp = server.mcp();
    let task_id = submit(&mcp, json!({ "targets": "10.0.0.0/24" })).await;
    mcp.ended(&task_id, Duration::from_secs(30)).await;
    (home, server, mcp, task_id)
}

/// Follows `truncated.resume` and `next_page` from the first answer to the last, and returns all records and how many
/// answers were cut.
async fn walk(mcp: &Mcp, task_id: &str, first: Value, budget: usize) -> (Vec<Value>, usize) {
    const MOST_ANSWERS: usize = 200;
    let mut asked = first;
    let (mut found, mut cut) = (Vec::new(), 0);
    for _ in 0..MOST_ANSWERS {
        asked["task_id"] = task_id.into();
        let reply = mcp.call("get_scan_results", asked.clone()).await;
        assert!(!reply.is_error, "{}", reply.text);
        let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let shown = records(&lines);
        assert!(reply.text.len() <= budget || shown.len() == 1, "{} bytes are over {budget}", reply.text.len());
        assert!(!shown.is_empty(), "an answer gets somewhere: {}", reply.text);
        found.extend(shown.iter().map(|record| (*record).clone()));
        let kinds: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
        let closing: Vec<&str> = kinds[2 + shown.len()..].to_vec();
        let truncated = lines.iter().find(|line| line["type"] == "truncated");
        let is_all = asked["page"] == 0;
        let expected: &[&str] = match (truncated.is_some(), is_all) {
            (true, true) => &["truncated"],
            (true, false) => &["truncated", "pagination"],
            (false, true) => &[],
            (false, false) => &["pagination"],
        };
        assert_eq!(closing, expected, "the lines after the records");
        match truncated {
            Some(truncated) => {
                cut += 1;
                assert_eq!(truncated["returned"], shown.len());
                assert!(truncated["remaining"].as_u64() > Some(0));
                let resource = truncated["resource"].as_str().expect("a resource");
                assert!(resource.starts_with(&format!("scan://{task_id}/results?")), "{resource}");
                for key in ["page", "page_size", "skip"] {
                    asked[key] = truncated["resume"][key].clone();
                }
            }
            None if is_all => return (found, cut),
            None => {
                let next = &lines.last().expect("a pagination line")["next_page"];
                if next.is_null() {
                    return (found, cut);
                }
                asked["page"] = next.clone();
                asked["skip"] = 0.into();
            }
        }
    }
    panic!("the walk does not end");
}

/// All records, from a server whose budget holds them; the mock finds the same everywhere.
async fn everything() -> Vec<Value> {
    let (_home, _server, mcp, task_id) = scanned(ROOMY).await;
    let lines = mcp.results(json!({ "task_id": task_id, "page": 0, "schema_profile": "full" })).await;
    records(&lines).into_iter().cloned().collect()
}

#[tokio::test]
async fn a_walk_over_cut_pages_sees_every_record_once_and_in_order() {
    let expected = everything().await;
    assert_eq!(expected.len(), 60);
    let (_home, _server, mcp, task_id) = scanned(LIMITS).await;
    for page_size in [10, 40, 100] {
        let first = json!({ "page_size": page_size, "schema_profile": "full" });
        let (found, cut) = walk(&mcp, &task_id, first, PAGE_BYTES).await;
        assert_eq!(found, expected, "with pages of {page_size}");
        assert!(cut > 0, "the budget was never reached");
    }
}

#[tokio::test]
async fn all_records_at_once_have_a_budget_of_their_own() {
    let expected = everything().await;
    let (_home, _server, mcp, task_id) = scanned(LIMITS).await;
    let first = json!({ "page": 0, "schema_profile": "full" });
    let (found, cut) = walk(&mcp, &task_id, first, ALL_BYTES).await;
    assert_eq!(found, expected);
    assert!(cut > 0, "the budget was never reached");
}

#[tokio::test]
async fn remaining_counts_what_the_page_still_has() {
    let (_home, _server, mcp, task_id) = scanned(LIMITS).await;
    let lines = mcp.results(json!({ "task_id": task_id, "page": 2, "page_size": 25, "schema_profile": "full" })).await;
    let truncated = lines.iter().find(|line| line["type"] == "truncated").expect("the budget is reached");
    let count = |key: &str| truncated[key].as_u64().expect("a number");
    assert_eq!(count("returned") + count("remaining"), 25);
    assert_eq!(truncated["resume"], json!({ "page": 2, "page_size": 25, "skip": count("returned") }));
}
