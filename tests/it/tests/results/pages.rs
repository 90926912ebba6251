//! The records on each page. The mock scanner returns sixty findings, twenty on each of three hosts.

use std::time::Duration;

use scanhost_it::{
    mcp::McpClient,
    scans::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::completed_scan::records;

const MOCK: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0, hosts: 3, findings_per_host: 20}}]";

struct SixtyFindings {
    mcp: McpClient,
    task_id: String,
    all: Vec<Value>,
    _server: Server,
    _home: Home,
}

impl SixtyFindings {
    async fn scan() -> Self {
        let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
        let server = home.start();
        let mcp = server.mcp();
        let task_id = submit(&mcp, json!({ "targets": "10.0.0.0/24" })).await;
        mcp.wait_for_end(&task_id, Duration::from_secs(30)).await;
        let lines = mcp.results(json!({ "task_id": task_id, "page": 0 })).await;
        let all: Vec<Value> = records(&lines).into_iter().cloned().collect();
        assert_eq!(all.len(), 60);
        Self { mcp, task_id, all, _server: server, _home: home }
    }

    /// Checks that the page has this range of all sixty records, and that the pagination line has these values: page,
    /// page size, total pages, whether there is a next page, and its number.
    async fn check_page(&self, mut arguments: Value, expected: std::ops::Range<usize>, pagination: Value) {
        arguments["task_id"] = self.task_id.as_str().into();
        let lines = self.mcp.results(arguments.clone()).await;
        let shown: Vec<Value> = records(&lines).into_iter().cloned().collect();
        assert_eq!(shown, self.all[expected], "for {arguments}");
        assert_eq!(lines[0]["total_vulnerabilities"], 60, "for {arguments}");
        let expected = json!({
            "type": "pagination", "page": pagination[0], "page_size": pagination[1], "total_pages": pagination[2],
            "has_next": pagination[3], "next_page": pagination[4],
        });
        assert_eq!(lines.last(), Some(&expected), "for {arguments}");
        assert_eq!(lines[0]["total_pages"], pagination[2], "for {arguments}");
    }
}

#[tokio::test]
async fn pages_divide_the_result() {
    let scan = SixtyFindings::scan().await;
    scan.check_page(json!({}), 0..40, json!([1, 40, 2, true, 2])).await;
    scan.check_page(json!({ "page": 2 }), 40..60, json!([2, 40, 2, false, null])).await;
    scan.check_page(json!({ "page": 2, "page_size": 25 }), 25..50, json!([2, 25, 3, true, 3])).await;
    scan.check_page(json!({ "page": 3, "page_size": 20 }), 40..60, json!([3, 20, 3, false, null])).await;
}

#[tokio::test]
async fn page_past_the_end_has_no_records() {
    let scan = SixtyFindings::scan().await;
    scan.check_page(json!({ "page": 3 }), 0..0, json!([3, 40, 2, false, null])).await;
    let far = i64::MAX;
    scan.check_page(json!({ "page": far, "page_size": 100 }), 0..0, json!([far, 100, 1, false, null])).await;
}

#[tokio::test]
async fn page_size_out_of_bounds_is_clamped() {
    let scan = SixtyFindings::scan().await;
    for small in [9, 1, 0, -5] {
        scan.check_page(json!({ "page_size": small }), 0..10, json!([1, 10, 6, true, 2])).await;
    }
    for large in [101, 1_000_000] {
        scan.check_page(json!({ "page_size": large }), 0..60, json!([1, 100, 1, false, null])).await;
    }
}

#[tokio::test]
async fn skip_moves_the_start_of_a_page_but_not_its_end() {
    let scan = SixtyFindings::scan().await;
    scan.check_page(json!({ "page_size": 10, "skip": 3 }), 3..10, json!([1, 10, 6, true, 2])).await;
    scan.check_page(json!({ "page": 2, "page_size": 10, "skip": 9 }), 19..20, json!([2, 10, 6, true, 3])).await;
    scan.check_page(json!({ "page_size": 10, "skip": 10 }), 0..0, json!([1, 10, 6, true, 2])).await;
    scan.check_page(json!({ "page_size": 10, "skip": 99 }), 0..0, json!([1, 10, 6, true, 2])).await;
    let lines = scan.mcp.results(json!({ "task_id": scan.task_id, "page": 0, "skip": 58 })).await;
    assert_eq!(records(&lines), scan.all[58..].iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn findings_keep_the_order_of_the_report() {
    let scan = SixtyFindings::scan().await;
    let hosts: Vec<&Value> = scan.all.iter().map(|record| &record["host"]).collect();
    let expected = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|host| vec![json!(host); 20]).concat();
    assert_eq!(hosts, expected.iter().collect::<Vec<_>>());
}
