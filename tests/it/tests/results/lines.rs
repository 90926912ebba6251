//! The exact text of the four kinds of lines.

use serde_json::json;

use crate::completed_scan::{CompletedScan, keys, records};

#[tokio::test]
async fn page_consists_of_schema_metadata_findings_and_pagination() {
    let scan = CompletedScan::with_profiles("").await;
    let reply = scan
        .mcp
        .call(
            "get_scan_results",
            json!({ "task_id": scan.task_id, "schema_profile": "minimal", "filters": { "port": 22 } }),
        )
        .await;
    assert!(!reply.is_error, "{}", reply.text);
    assert!(reply.structured.is_null(), "results have no structured content");
    let lines: Vec<&str> = reply.text.split('\n').collect();
    assert_eq!(lines.len(), 2 + 2 + 1, "there is one object per line, and nothing after the last: {}", reply.text);
    assert_eq!(
        lines[0],
        r#"{"type":"schema","profile":"minimal","fields":["host","plugin_id","severity","cve","cvss_score","exploit_available"],"field_types":{"host":"text","plugin_id":"integer","severity":"severity","cve":"list","cvss_score":"number","exploit_available":"boolean"},"filters_applied":{"port":22},"total_vulnerabilities":2,"total_pages":1}"#
    );
    assert_eq!(
        lines[2],
        r#"{"type":"vulnerability","host":"alpha","plugin_id":2,"severity":"High","cve":["CVE-2016-0777"],"cvss_score":7.5,"exploit_available":false}"#
    );
    assert_eq!(
        lines[3], r#"{"type":"vulnerability","host":"beta","plugin_id":4,"severity":"Low","cvss_score":2.6}"#,
        "a field that the finding lacks is left out"
    );
    assert_eq!(
        lines[4],
        r#"{"type":"pagination","page":1,"page_size":40,"total_pages":1,"has_next":false,"next_page":null}"#
    );
}

#[tokio::test]
async fn metadata_describes_the_whole_report() {
    let scan = CompletedScan::with_profiles("").await;
    let lines = scan.lines(json!({ "filters": { "port": 22 } })).await;
    let metadata = &lines[1];
    let expected = [
        "type",
        "task_id",
        "scan_name",
        "targets",
        "scanner_pool",
        "scanner_instance",
        "backend",
        "started_at",
        "completed_at",
        "hosts_scanned",
        "severity_counts",
        "authentication_status",
    ];
    assert_eq!(keys(metadata), expected);
    assert_eq!(metadata["type"], "scan_metadata");
    assert_eq!(metadata["task_id"], scan.task_id.as_str());
    assert_eq!(metadata["scan_name"], "test");
    assert_eq!(metadata["targets"], "10.0.0.1");
    assert_eq!((&metadata["scanner_pool"], &metadata["scanner_instance"]), (&json!("nessus"), &json!("n1")));
    assert_eq!(metadata["backend"], "nessus");
    assert_eq!(metadata["hosts_scanned"], 3);
    let counts = json!({ "critical": 1, "high": 3, "medium": 1, "low": 1, "info": 1 });
    assert_eq!(
        metadata["severity_counts"].to_string(),
        counts.to_string(),
        "the counts cover all findings, not only the shown ones"
    );
    assert_eq!(metadata["authentication_status"], "not_applicable");
    for time in ["started_at", "completed_at"] {
        let text = metadata[time].as_str().expect("a time is text");
        assert!(text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'), "{time}: {text}");
    }
}

#[tokio::test]
async fn page_0_has_everything_without_pagination() {
    let scan = CompletedScan::with_profiles("").await;
    let lines = scan.lines(json!({ "page": 0, "page_size": 1 })).await;
    assert_eq!(lines.len(), 2 + 7);
    assert_eq!(records(&lines).len(), 7);
    assert_eq!((&lines[0]["total_pages"], &lines[0]["total_vulnerabilities"]), (&json!(1), &json!(7)));
}

#[tokio::test]
async fn result_without_findings_has_one_page() {
    let scan = CompletedScan::with_profiles("").await;
    for page in [0, 1] {
        let lines = scan.lines(json!({ "page": page, "filters": { "plugin_id": 99 } })).await;
        assert_eq!(records(&lines).len(), 0);
        assert_eq!((&lines[0]["total_vulnerabilities"], &lines[0]["total_pages"]), (&json!(0), &json!(1)));
    }
}
