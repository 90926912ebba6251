//! Pages of results over MCP, by size of the report and by filter; also the first one after a restart, and what a
//! thousand of them leave in memory.

use std::{collections::HashSet, fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    Bench,
    hosted::Hosted,
    process::memory,
    reports::ReportFile,
    table::{Bar, Figure, Table, median, quantile, spread},
    wire::{Call, Wire},
};

const QUESTIONS: usize = 100;

/// How much more memory is none.
const SAME_MEMORY: f64 = 1.1;

pub async fn measure(bench: &Bench, table: &mut Table) {
    let mut hosted = Hosted::start(bench).await;
    let mut scans = Vec::new();
    for report in bench.reports.iter() {
        scans.push((report, hosted.scanned(report).await));
    }
    let mut medians = Vec::new();
    for (report, id) in &scans {
        medians.push(filtered(bench, table, &hosted, report, id).await);
    }
    if let [first, .., last] = &medians[..] {
        // Of the terms that the bar is about, the worst.
        let ratios = first.iter().zip(last).map(|(small, large)| large.as_secs_f64() / small.as_secs_f64());
        let worst = Figure::new(ratios.fold(0.0, f64::max), "×");
        table.row("page 7 filtered, largest report to smallest", worst, Bar::AtMost(3.0), "the worst of these filters");
    }
    growth(bench, table, &hosted, &scans).await;
    for (report, id) in &scans {
        let mut ratios = Vec::new();
        for _ in 0..bench.runs {
            hosted.restart();
            ratios.push(restarted(bench, &hosted, id).await);
        }
        let (ratio, first) = median(&mut ratios);
        let more = format!("it takes {}", Figure::milliseconds(first));
        let what = format!("first page after a restart to a warm one, {}", report.size());
        table.row(what, Figure::new(ratio, "×"), Bar::AtMost(20.0), more);
    }
}

/// Returns the medians of the filters over small columns.
async fn filtered(bench: &Bench, table: &mut Table, hosted: &Hosted, report: &ReportFile, id: &str) -> Vec<Duration> {
    let mut wire = Wire::to(&hosted.server).await;
    let is_usual = report.bytes == bench.reports.usual().bytes;
    let mut medians = Vec::new();
    for (name, filters) in filters(&some_plugin(hosted, id).await) {
        let mut times = ask(bench, &mut wire, &[question(hosted, id, &filters)]).await;
        let bar = if is_usual { Bar::AtMost(2.0) } else { Bar::None };
        let half = median(&mut times);
        table.row(
            format!("page 7 of brief, {name}, {}", report.size()),
            Figure::milliseconds(half),
            bar,
            spread(&mut times),
        );
        medians.push(half);
    }
    let mut times = ask(bench, &mut wire, &[question(hosted, id, &json!({}))]).await;
    let half = Figure::milliseconds(median(&mut times));
    table.row(format!("page 7 of brief, no filter, {}", report.size()), half, Bar::None, spread(&mut times));
    let new = never_asked(bench).map(|filters| question(hosted, id, &filters));
    let mut times = ask(bench, &mut wire, &new.collect::<Vec<_>>()).await;
    let half = Figure::milliseconds(median(&mut times));
    table.row(format!("page 7 of brief, filters never asked, {}", report.size()), half, Bar::None, spread(&mut times));
    let searches: Vec<Call> = texts().map(|text| question(hosted, id, &json!({ "plugin_output": text }))).collect();
    let mut times = ask(bench, &mut wire, &searches).await;
    let column = distinct_outputs(report);
    let speed = Figure::megabytes_a_second(column, median(&mut times));
    let more = format!("{} of distinct text, {}", Figure::new(column as f64 / 1e6, "MB"), spread(&mut times));
    table.row(format!("page 7, text in plugin_output, {}", report.size()), speed, Bar::AtLeast(500.0), more);
    medians
}

/// Name and filter: those for which there is a bar.
fn filters(plugin: &Value) -> [(&'static str, Value); 6] {
    let all = json!({ "severity": ">=Medium", "cvss_score": ">6", "exploit_available": true, "cve": "CVE-20" });
    [
        ("severity", json!({ "severity": ">=High" })),
        ("score", json!({ "cvss_score": ">7" })),
        ("exploit", json!({ "exploit_available": true })),
        ("cve", json!({ "cve": "CVE-2019" })),
        ("plugin", json!({ "plugin_id": plugin })),
        ("severity, score, exploit and cve", all),
    ]
}

async fn some_plugin(hosted: &Hosted, id: &str) -> Value {
    let question = json!({ "task_id": id, "page_size": 10, "custom_fields": ["plugin_id"] });
    let lines = hosted.server.mcp().results(question).await;
    lines.iter().find(|line| line["type"] == "vulnerability").map(|line| line["plugin_id"].clone()).unwrap()
}

fn question(hosted: &Hosted, id: &str, filters: &Value) -> Call {
    hosted.call("get_scan_results", &json!({ "task_id": id, "page": 7, "filters": filters }))
}

/// Filters over all of these columns, each with values of its own: nothing that was remembered answers them.
fn never_asked(bench: &Bench) -> impl Iterator<Item = Value> {
    (0..=bench.few(QUESTIONS) * bench.runs as usize).map(|number| {
        json!({
            "severity": ">=Medium", "cvss_score": format!(">6.{number:04}"), "cve": ["CVE-20", format!("never{number}")],
        })
    })
}

/// More texts than a server remembers answers, so that each one is searched for.
fn texts() -> impl Iterator<Item = &'static str> {
    const TEXT: &str = "crafted packet";
    let starting = |start: usize| (start + 9..=TEXT.len()).map(move |end| &TEXT[start..end]);
    (0..TEXT.len()).flat_map(starting)
}

/// Asks these again and again, in their order.
async fn ask(bench: &Bench, wire: &mut Wire, questions: &[Call]) -> Vec<Duration> {
    // The first one opens the report.
    wire.call(&questions[0]).await;
    let mut times = Vec::new();
    for question in questions.iter().cycle().skip(1).take(bench.few(QUESTIONS) * bench.runs as usize) {
        times.push(wire.call(question).await.time);
    }
    times
}

/// How much larger the server is after many questions than after a few.
async fn growth(bench: &Bench, table: &mut Table, hosted: &Hosted, scans: &[(&ReportFile, String)]) {
    let mut wire = Wire::to(&hosted.server).await;
    let mut questions = Vec::new();
    for (_, id) in scans {
        for (_, filters) in filters(&some_plugin(hosted, id).await) {
            questions.push(question(hosted, id, &filters));
        }
    }
    let (few, many) = (10, bench.few(1_000));
    let mut after_few = 0;
    for (number, question) in questions.iter().cycle().take(few + many).enumerate() {
        wire.call(question).await;
        if number + 1 == few {
            after_few = memory(hosted.server.pid());
        }
    }
    let after_many = memory(hosted.server.pid());
    let figure = Figure::new(after_many as f64 / after_few as f64, "×");
    let more = format!("{} after {many} more", Figure::mebibytes(after_many));
    table.row("server's memory after 1,000 queries to that after 10", figure, Bar::AtMost(SAME_MEMORY), more);
}

/// How much longer the first page takes than later ones, and how long.
async fn restarted(bench: &Bench, hosted: &Hosted, id: &str) -> (f64, Duration) {
    let mut wire = Wire::to(&hosted.server).await;
    // Another tool first, so that the connection is there.
    wire.call(&hosted.call("list_pools", &json!({}))).await;
    let question = question(hosted, id, &json!({ "severity": ">=High" }));
    let first = wire.call(&question).await.time;
    let mut warm = Vec::new();
    for _ in 0..bench.few(QUESTIONS) {
        warm.push(wire.call(&question).await.time);
    }
    (first.as_secs_f64() / quantile(&mut warm, 0.5).as_secs_f64(), first)
}

/// Bytes of the report's different outputs of plugins: what a search has to read.
fn distinct_outputs(report: &ReportFile) -> u64 {
    let text = String::from_utf8(fs::read(&report.path).unwrap()).unwrap();
    let outputs = text.split("<plugin_output>").skip(1).filter_map(|rest| rest.split("</plugin_output>").next());
    let distinct: HashSet<&str> = outputs.collect();
    distinct.iter().map(|output| output.len() as u64).sum()
}
