//! The summaries of `get_scan_summary`.

use serde_json::json;

use crate::reference_host::{ReferenceHost, reference_summary, three_reports};

#[tokio::test]
async fn summaries_equal_the_reference() {
    let host = ReferenceHost::start().await;
    for report in three_reports() {
        let id = host.run_scan(&report).await;
        let answer = host.call_validated("get_scan_summary", json!({ "task_id": id })).await;
        assert_eq!((&answer["task_id"], &answer["scan_name"]), (&json!(id), &json!(report)));
        assert_eq!(answer["authentication_status"], "not_applicable");
        for (key, value) in reference_summary(&[&report]).as_object().expect("the reference prints an object") {
            assert_eq!(answer[key], *value, "{report}: {key}");
        }
    }
}

#[tokio::test]
async fn summary_of_a_large_report_is_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "x".repeat(60_000);
    let items: String = (0..400)
        .map(|id| {
            format!(
                "<ReportItem port='0' severity='{}' pluginID='{id}' pluginName='{long}'><exploit_available>true\
                 </exploit_available></ReportItem>",
                id % 5
            )
        })
        .collect();
    let report = format!("<Report><ReportHost name='{long}'>{items}</ReportHost></Report>");
    std::fs::write(folder.path().join("long"), report).expect("a file can be written");
    let host = ReferenceHost::with_reports(folder.path().to_owned()).await;
    let id = host.run_scan("long").await;
    let answer = host.call_validated("get_scan_summary", json!({ "task_id": id })).await;
    assert_eq!(answer["exploitable"]["vulnerabilities"], 400);
    assert_eq!(answer["top_vulnerabilities"].as_array().map(Vec::len), Some(10));
    assert!(answer.to_string().len() < 20_000, "{} bytes", answer.to_string().len());
}
