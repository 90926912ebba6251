//! `get_scan_summary`.

use serde_json::json;

use crate::scanned::{Scanned, expected, three};

#[tokio::test]
async fn summaries_are_what_the_reference_says() {
    let scanned = Scanned::new().await;
    for report in three() {
        let id = scanned.scan(&report).await;
        let answer = scanned.ask("get_scan_summary", json!({ "task_id": id })).await;
        assert_eq!((&answer["task_id"], &answer["scan_name"]), (&json!(id), &json!(report)));
        assert_eq!(answer["authentication_status"], "not_applicable");
        for (key, value) in expected(&[&report]).as_object().expect("the reference tells an object") {
            assert_eq!(answer[key], *value, "{report}: {key}");
        }
    }
}

#[tokio::test]
async fn a_summary_is_small_whatever_the_report() {
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
    let scanned = Scanned::with(folder.path().to_owned()).await;
    let id = scanned.scan("long").await;
    let answer = scanned.ask("get_scan_summary", json!({ "task_id": id })).await;
    assert_eq!(answer["exploitable"]["vulnerabilities"], 400);
    assert_eq!(answer["top_vulnerabilities"].as_array().map(Vec::len), Some(10));
    assert!(answer.to_string().len() < 20_000, "{} bytes", answer.to_string().len());
}
