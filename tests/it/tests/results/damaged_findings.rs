//! Damaged or missing findings are rebuilt from the native report, without a change in the answers.

use std::{fs, path::PathBuf};

use scanhost_it::{scrape::Scrape, testbed::wait_until};
use serde_json::{Value, json};

use crate::completed_scan::CompletedScan;

fn findings_file(scan: &CompletedScan) -> PathBuf {
    scan.home.data().join("tasks").join(&scan.task_id).join("findings.columns")
}

/// Checks that there were exactly this many rebuilds, however many calls needed them.
async fn check_rebuilds(scan: &CompletedScan, expected: usize) {
    let scrape = Scrape::fetch(&scan.server.mcp(), scan.server.url(), "").await;
    assert_eq!(scrape.value("scanhost_report_rebuilds_total"), Some(expected as f64));
    let logged_rebuilds = || scan.server.log().matches("findings rebuilt from the native report").count();
    // A log line may arrive later than the answer.
    wait_until("rebuilds in the log", || logged_rebuilds() >= expected).await;
    assert_eq!(logged_rebuilds(), expected);
}

async fn read_page(scan: &CompletedScan) -> Vec<Value> {
    scan.lines(json!({ "schema_profile": "full", "filters": { "severity": ">=Low" } })).await
}

#[tokio::test]
async fn flipped_byte_costs_one_rebuild_and_changes_no_answer() {
    let scan = CompletedScan::with_profiles("").await;
    let before = read_page(&scan).await;
    let file = findings_file(&scan);
    let whole = fs::read(&file).expect("the findings are there");
    // The flipped byte is in the codes of a column, in its values, in the footer, and at the very end.
    let offsets = [0, whole.len() / 3, whole.len() - 200, whole.len() - 1];
    for (count, offset) in (1..).zip(offsets) {
        let mut flipped = whole.clone();
        flipped[offset] ^= 1;
        fs::write(&file, flipped).expect("a file can be written");
        let answers = tokio::join!(read_page(&scan), read_page(&scan), read_page(&scan));
        assert_eq!((&answers.0, &answers.1, &answers.2), (&before, &before, &before), "at {offset}");
        check_rebuilds(&scan, count).await;
        assert_eq!(read_page(&scan).await, before);
        check_rebuilds(&scan, count).await;
    }
}

#[tokio::test]
async fn truncated_outdated_or_missing_findings_are_rebuilt() {
    let scan = CompletedScan::with_profiles("").await;
    let before = read_page(&scan).await;
    let file = findings_file(&scan);
    let whole = fs::read(&file).expect("the findings are there");
    fs::write(&file, &whole[..whole.len() / 2]).expect("a file can be written");
    assert_eq!(read_page(&scan).await, before);
    // The version precedes the last eight bytes.
    let mut old = whole.clone();
    let version = whole.len() - 12;
    old[version] -= 1;
    fs::write(&file, old).expect("a file can be written");
    assert_eq!(read_page(&scan).await, before);
    fs::remove_file(&file).expect("a file can be removed");
    assert_eq!(read_page(&scan).await, before);
    check_rebuilds(&scan, 3).await;
}

#[tokio::test]
async fn missing_native_report_is_named_in_the_error() {
    let scan = CompletedScan::with_profiles("").await;
    let file = findings_file(&scan);
    fs::write(&file, "nothing of the kind").expect("a file can be written");
    fs::remove_file(file.with_file_name("scan_native.nessus")).expect("a file can be removed");
    let (code, message, _) = scan.refused_results(json!({})).await;
    assert_eq!(code, "internal");
    assert!(message.contains("damaged") && message.contains("gone"), "{message}");
}
