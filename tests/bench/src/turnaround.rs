//! How long agents wait for what they submitted.

use std::time::{Duration, Instant};

use scanhost_it::raw::submit;
use serde_json::json;

use crate::{
    Bench,
    hosted::Hosted,
    table::{Bar, Figure, Table, median},
};

/// Between two looks of this program.
const LOOK: Duration = Duration::from_millis(5);

pub async fn measure(bench: &Bench, table: &mut Table) {
    let hosted = Hosted::start(bench).await;
    let (mut mocks, mut readable, mut after_status) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        mocks.push(four_mock_scans(bench, &hosted).await.as_secs_f64());
        let (since_scanner, since_status) = until_readable(bench, &hosted).await;
        readable.push(since_scanner.as_secs_f64());
        after_status.push(since_status);
    }
    let four = Figure::new(median(&mut mocks), "s");
    table.row("four mock scans of 5 s at capacity 2", four, Bar::AtMost(13.0), "10 s at best");
    let size = bench.reports.usual().size();
    let more = format!("{} after the first status `completed`", Figure::milliseconds(median(&mut after_status)));
    let what = format!("{size} readable after the scanner had it");
    table.row(what, Figure::new(median(&mut readable), "s"), Bar::AtMost(2.0), more);
}

async fn four_mock_scans(bench: &Bench, hosted: &Hosted) -> Duration {
    let mcp = hosted.server.mcp();
    let start = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..bench.few(4) {
        ids.push(submit(&mcp, json!({ "scanner_pool": "mock" })).await);
    }
    for id in &ids {
        hosted.finish(id).await;
    }
    start.elapsed()
}

/// From the scanner's being done, and from the status that tells so here, to the first page.
async fn until_readable(bench: &Bench, hosted: &Hosted) -> (Duration, Duration) {
    let mcp = hosted.server.mcp();
    let id = hosted.begin(bench.reports.usual()).await;
    while !hosted.scanner.scans().iter().any(|scan| scan.marker == id && scan.status == "completed") {
        tokio::time::sleep(LOOK).await;
    }
    let done = Instant::now();
    while mcp.ok("get_scan_status", json!({ "task_id": id })).await["status"] != "completed" {
        tokio::time::sleep(LOOK).await;
    }
    let told = Instant::now();
    let lines = mcp.results(json!({ "task_id": id })).await;
    assert!(lines.iter().any(|line| line["type"] == "vulnerability"), "{lines:?}");
    (done.elapsed(), told.elapsed())
}
