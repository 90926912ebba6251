//! Findings that are damaged or gone are read again from the native report, and nobody notices.

use std::{fs, path::PathBuf};

use scanhost_it::{lab::wait_until, scrape::Scrape};
use serde_json::{Value, json};

use crate::reported::Reported;

fn findings(reported: &Reported) -> PathBuf {
    reported.home.data().join("tasks").join(&reported.task_id).join("findings.columns")
}

/// That there were so many, and no more, however many asked.
async fn check_rebuilds(reported: &Reported, expected: usize) {
    let scrape = Scrape::of(&reported.server.mcp(), reported.server.url(), "").await;
    assert_eq!(scrape.value("scanhost_report_rebuilds_total"), Some(expected as f64));
    let logged = || reported.server.log().matches("findings rebuilt from the native report").count();
    // Lines of the log come a moment later than answers.
    wait_until("rebuilds in the log", || logged() >= expected).await;
    assert_eq!(logged(), expected);
}

async fn page(reported: &Reported) -> Vec<Value> {
    reported.lines(json!({ "schema_profile": "full", "filters": { "severity": ">=Low" } })).await
}

#[tokio::test]
async fn a_flipped_byte_changes_nothing_and_costs_one_rebuild() {
    let reported = Reported::new("").await;
    let before = page(&reported).await;
    let file = findings(&reported);
    let whole = fs::read(&file).expect("the findings are there");
    // In a column's codes, in its values, in what describes them all, and at the very end.
    let places = [0, whole.len() / 3, whole.len() - 200, whole.len() - 1];
    for (count, place) in (1..).zip(places) {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        fs::write(&file, flipped).expect("a file can be written");
        let answers = tokio::join!(page(&reported), page(&reported), page(&reported));
        assert_eq!((&answers.0, &answers.1, &answers.2), (&before, &before, &before), "at {place}");
        check_rebuilds(&reported, count).await;
        assert_eq!(page(&reported).await, before);
        check_rebuilds(&reported, count).await;
    }
}

#[tokio::test]
async fn findings_that_are_cut_off_old_or_gone_come_back() {
    let reported = Reported::new("").await;
    let before = page(&reported).await;
    let file = findings(&reported);
    let whole = fs::read(&file).expect("the findings are there");
    fs::write(&file, &whole[..whole.len() / 2]).expect("a file can be written");
    assert_eq!(page(&reported).await, before);
    // The version stands before the last eight bytes.
    let mut old = whole.clone();
    let version = whole.len() - 12;
    old[version] -= 1;
    fs::write(&file, old).expect("a file can be written");
    assert_eq!(page(&reported).await, before);
    fs::remove_file(&file).expect("a file can be removed");
    assert_eq!(page(&reported).await, before);
    check_rebuilds(&reported, 3).await;
}

#[tokio::test]
async fn without_the_native_report_the_error_says_so() {
    let reported = Reported::new("").await;
    let file = findings(&reported);
    fs::write(&file, "nothing of the kind").expect("a file can be written");
    fs::remove_file(file.with_file_name("scan_native.nessus")).expect("a file can be removed");
    let (code, message, _) = reported.refused(json!({})).await;
    assert_eq!(code, "internal");
    assert!(message.contains("damaged") && message.contains("gone"), "{message}");
}
