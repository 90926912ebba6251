//! The time of a page of results over MCP, by size of the report and by filter; also the time of the first page after a
//! restart, and how the server's memory grows over a thousand pages.

use std::{collections::HashSet, fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    Bench,
    bench_host::BenchHost,
    connection::{Call, Connection},
    process::memory,
    reports::ReportFile,
    table::{Figure, Table, Target, median, percentiles},
};

const QUERIES_PER_RUN: usize = 100;

pub async fn measure(bench: &Bench, table: &mut Table) {
    let mut host = BenchHost::start(bench).await;
    let mut scans = Vec::new();
    for report in bench.reports.iter() {
        scans.push((report, host.run_scan(report).await));
    }
    let mut medians = Vec::new();
    for (report, id) in &scans {
        medians.push(measure_report(bench, table, &host, report, id).await);
    }
    if let [smallest, .., largest] = &medians[..] {
        let ratios = smallest.iter().zip(largest).map(|(small, large)| large.as_secs_f64() / small.as_secs_f64());
        let worst = Figure::new(ratios.fold(0.0, f64::max), "×");
        table.row("page 7 with a filter, largest report to smallest", worst, Target::AtMost(3.0), "the worst filter");
    }
    measure_memory_growth(bench, table, &host, &scans).await;
    for (report, id) in &scans {
        let mut ratios = Vec::new();
        for _ in 0..bench.runs {
            host.restart();
            ratios.push(first_page_after_restart(bench, &host, id).await);
        }
        let (ratio, first) = median(&mut ratios);
        let details = format!("the first page takes {}", Figure::milliseconds(first));
        let measurement = format!("first page after a restart to a later page, {}", report.size());
        table.row(measurement, Figure::new(ratio, "×"), Target::AtMost(20.0), details);
    }
}

/// Adds the rows of one report. Returns the median time for each of the [`filters`].
async fn measure_report(
    bench: &Bench,
    table: &mut Table,
    host: &BenchHost,
    report: &ReportFile,
    id: &str,
) -> Vec<Duration> {
    let mut connection = Connection::to_server(&host.server).await;
    let size = report.size();
    let is_standard = report.bytes == bench.reports.standard().bytes;
    let mut medians = Vec::new();
    for (name, filters) in filters(&some_plugin_id(host, id).await) {
        let mut times = time_queries(bench, &mut connection, &[page_call(host, id, &filters)]).await;
        let target = if is_standard { Target::AtMost(2.0) } else { Target::None };
        let median = median(&mut times);
        let measurement = format!("page 7, profile brief, filter on {name}, {size}");
        table.row(measurement, Figure::milliseconds(median), target, percentiles(&mut times));
        medians.push(median);
    }
    let no_filter = [page_call(host, id, &json!({}))];
    let new_filters: Vec<Call> = new_filters(bench).map(|filters| page_call(host, id, &filters)).collect();
    for (name, calls) in [("no filter", &no_filter[..]), ("a new filter for each query", &new_filters[..])] {
        let mut times = time_queries(bench, &mut connection, calls).await;
        let time = Figure::milliseconds(median(&mut times));
        table.row(format!("page 7, profile brief, {name}, {size}"), time, Target::None, percentiles(&mut times));
    }
    let searches: Vec<Call> =
        search_texts().map(|text| page_call(host, id, &json!({ "plugin_output": text }))).collect();
    let mut times = time_queries(bench, &mut connection, &searches).await;
    let searched_bytes = size_of_distinct_outputs(report);
    let speed = Figure::megabytes_per_second(searched_bytes, median(&mut times));
    let searched = Figure::new(searched_bytes as f64 / 1e6, "MB");
    let details = format!("{searched} of distinct text, {}", percentiles(&mut times));
    table.row(format!("page 7, search in plugin_output, {size}"), speed, Target::AtLeast(500.0), details);
    medians
}

/// The filters that have a target, each with a name for the table.
fn filters(plugin_id: &Value) -> [(&'static str, Value); 6] {
    let combined = json!({ "severity": ">=Medium", "cvss_score": ">6", "exploit_available": true, "cve": "CVE-20" });
    [
        ("severity", json!({ "severity": ">=High" })),
        ("score", json!({ "cvss_score": ">7" })),
        ("exploit", json!({ "exploit_available": true })),
        ("cve", json!({ "cve": "CVE-2019" })),
        ("plugin", json!({ "plugin_id": plugin_id })),
        ("severity, score, exploit and cve", combined),
    ]
}

async fn some_plugin_id(host: &BenchHost, id: &str) -> Value {
    let arguments = json!({ "task_id": id, "page_size": 10, "custom_fields": ["plugin_id"] });
    let lines = host.server.mcp().results(arguments).await;
    lines.iter().find(|line| line["type"] == "vulnerability").map(|line| line["plugin_id"].clone()).unwrap()
}

/// A call for page 7 of the results of this scan.
fn page_call(host: &BenchHost, id: &str, filters: &Value) -> Call {
    host.call("get_scan_results", &json!({ "task_id": id, "page": 7, "filters": filters }))
}

/// Filters with values that no other query has, so that no cached answer serves them.
fn new_filters(bench: &Bench) -> impl Iterator<Item = Value> {
    (0..=bench.repetitions(QUERIES_PER_RUN) * bench.runs as usize).map(|number| {
        json!({
            "severity": ">=Medium", "cvss_score": format!(">6.{number:04}"), "cve": ["CVE-20", format!("never{number}")],
        })
    })
}

/// More texts than the server caches answers for, so that each query is a new search.
fn search_texts() -> impl Iterator<Item = &'static str> {
    const TEXT: &str = "crafted packet";
    let texts_from = |start: usize| (start + 9..=TEXT.len()).map(move |end| &TEXT[start..end]);
    (0..TEXT.len()).flat_map(texts_from)
}

/// Sends these calls in turn, and starts over after the last. Returns the time of each call.
async fn time_queries(bench: &Bench, connection: &mut Connection, calls: &[Call]) -> Vec<Duration> {
    // The first call opens the report and is not measured.
    connection.call(&calls[0]).await;
    let mut times = Vec::new();
    for call in calls.iter().cycle().skip(1).take(bench.repetitions(QUERIES_PER_RUN) * bench.runs as usize) {
        times.push(connection.call(call).await.time);
    }
    times
}

/// Compares the server's memory after many queries with its memory after a few.
async fn measure_memory_growth(bench: &Bench, table: &mut Table, host: &BenchHost, scans: &[(&ReportFile, String)]) {
    let mut connection = Connection::to_server(&host.server).await;
    let mut calls = Vec::new();
    for (_, id) in scans {
        for (_, filters) in filters(&some_plugin_id(host, id).await) {
            calls.push(page_call(host, id, &filters));
        }
    }
    let (few, many) = (10, bench.repetitions(1_000));
    let mut after_few = 0;
    for (number, call) in calls.iter().cycle().take(few + many).enumerate() {
        connection.call(call).await;
        if number + 1 == few {
            after_few = memory(host.server.pid());
        }
    }
    let after_many = memory(host.server.pid());
    let ratio = Figure::new(after_many as f64 / after_few as f64, "×");
    let details = format!("{} after {many} more queries", Figure::mebibytes(after_many));
    table.row("server's memory after 1,000 queries to that after 10", ratio, Target::AtMost(1.1), details);
}

/// Returns the ratio of the first page's time to the median time of later pages, and the first page's time.
async fn first_page_after_restart(bench: &Bench, host: &BenchHost, id: &str) -> (f64, Duration) {
    let mut connection = Connection::to_server(&host.server).await;
    // A call of another tool comes first, so that the page's time does not include the new connection.
    connection.call(&host.call("list_pools", &json!({}))).await;
    let call = page_call(host, id, &json!({ "severity": ">=High" }));
    let first = connection.call(&call).await.time;
    let mut later = Vec::new();
    for _ in 0..bench.repetitions(QUERIES_PER_RUN) {
        later.push(connection.call(&call).await.time);
    }
    (first.as_secs_f64() / median(&mut later).as_secs_f64(), first)
}

/// The size of all distinct plugin outputs of the report in bytes, which is what a search has to read.
fn size_of_distinct_outputs(report: &ReportFile) -> u64 {
    let text = String::from_utf8(fs::read(&report.path).unwrap()).unwrap();
    let outputs = text.split("<plugin_output>").skip(1).filter_map(|rest| rest.split("</plugin_output>").next());
    let distinct: HashSet<&str> = outputs.collect();
    distinct.iter().map(|output| output.len() as u64).sum()
}
