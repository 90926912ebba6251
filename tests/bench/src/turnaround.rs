//! How long agents wait for the results of the scans that they submit.

use std::time::{Duration, Instant};

use scanhost_it::scans::submit;
use serde_json::json;

use crate::{
    Bench,
    bench_host::BenchHost,
    table::{Figure, Table, Target, median},
};

const POLL_INTERVAL: Duration = Duration::from_millis(5);

pub async fn measure(bench: &Bench, table: &mut Table) {
    let host = BenchHost::start(bench).await;
    let (mut mock_scans, mut readable, mut after_status) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        mock_scans.push(four_mock_scans(bench, &host).await.as_secs_f64());
        let (since_scanner, since_status) = time_until_readable(bench, &host).await;
        readable.push(since_scanner.as_secs_f64());
        after_status.push(since_status);
    }
    let time = Figure::new(median(&mut mock_scans), "s");
    table.row("four mock scans of 5 s at capacity 2", time, Target::AtMost(13.0), "10 s at best");
    let size = bench.reports.standard().size();
    let details = format!("{} after the first status `completed`", Figure::milliseconds(median(&mut after_status)));
    let measurement = format!("{size}: end of the remote scan to first page of results");
    table.row(measurement, Figure::new(median(&mut readable), "s"), Target::AtMost(2.0), details);
}

async fn four_mock_scans(bench: &Bench, host: &BenchHost) -> Duration {
    let mcp = host.server.mcp();
    let start = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..bench.repetitions(4) {
        ids.push(submit(&mcp, json!({ "scanner_pool": "mock" })).await);
    }
    for id in &ids {
        host.wait_until_completed(id).await;
    }
    start.elapsed()
}

/// Returns two times until the first page of results: since the remote scan ended, and since the host's status of the
/// scan became `completed`.
async fn time_until_readable(bench: &Bench, host: &BenchHost) -> (Duration, Duration) {
    let mcp = host.server.mcp();
    let id = host.submit_scan(bench.reports.standard()).await;
    while !host.scanner.scans().iter().any(|scan| scan.marker == id && scan.status == "completed") {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let scanner_done = Instant::now();
    while mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["status"] != "completed" {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let status_completed = Instant::now();
    let lines = mcp.results(json!({ "task_id": id })).await;
    assert!(lines.iter().any(|line| line["type"] == "vulnerability"), "{lines:?}");
    (scanner_done.elapsed(), status_completed.elapsed())
}
