//! Many agents at once beside heavy work. Agents that submit and poll should not notice that other agents read pages,
//! nor that the host ingests a report.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Bench,
    bench_host::BenchHost,
    connection::{Call, Connection},
    load::{CompletedCall, Load, Workload},
    process::peak_memory,
    table::{Figure, Table, Target, median, percentiles, quantile},
};

const AGENTS: usize = 1_000;

/// Measures a thousand agents that submit ten scans each.
pub async fn measure_burst(bench: &Bench, table: &mut Table) {
    const SUBMITS: usize = 10;
    let (mut rates, mut times, mut memory, mut lost) = (Vec::new(), Vec::new(), 0, 0);
    let agents = bench.repetitions(AGENTS);
    for _ in 0..bench.runs {
        let host = BenchHost::start(bench).await;
        host.pause_mock_pool();
        let workload = LimitedRepeat { call: host.submit_call(), calls: SUBMITS };
        let (calls, time) = Load::start(host.address(), agents, workload).wait().await;
        let ids: BTreeSet<&String> = calls.iter().filter_map(|call| call.task_id.as_ref()).collect();
        let queue = host.server.mcp().call_ok("get_queue_status", json!({ "scanner_pool": "mock" })).await;
        let queue_depth = queue["queue_depth"].as_u64().unwrap();
        lost += (agents * SUBMITS).abs_diff(ids.len()) + (agents * SUBMITS).abs_diff(queue_depth as usize);
        rates.push(calls.len() as f64 / time.as_secs_f64());
        times.extend(calls.iter().map(|call| call.time));
        memory = memory.max(peak_memory(host.server.pid()).unwrap());
    }
    let load = format!("{agents} agents at once, {} submits", agents * SUBMITS);
    let rate = format!("{} without an error", Figure::new(median(&mut rates), "per second"));
    table.row(
        format!("{load}: lost or duplicated"),
        Figure::new(lost as f64, "scans"),
        Target::AtMost(0.0),
        format!("{rate}, {}", percentiles(&mut times)),
    );
    table.row(
        format!("{load}: server's peak memory"),
        Figure::mebibytes(memory),
        Target::AtMost(200e6 / f64::from(1 << 20)),
        "",
    );
}

/// Measures a thousand agents at a steady pace while ten agents read pages and the host ingests a large report.
pub async fn measure_steady_load(bench: &Bench, table: &mut Table) {
    const READERS: usize = 10;
    let host = BenchHost::start(bench).await;
    let completed_scan = host.run_scan(bench.reports.standard()).await;
    let submit = host.submit_call();
    let queued_scan = Connection::to_server(&host.server).await.call(&submit).await.task_id();
    let get_status = host.call("get_scan_status", &json!({ "task_id": queued_scan }));
    let agents = bench.repetitions(AGENTS);
    let [mut submit_times, mut status_times, mut page_times, mut scan_times] = [const { Vec::new() }; 4];
    let (mut submit_p99s, mut status_p99s, mut page_p99s) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let start = Instant::now();
        let large_scan = host.submit_scan(bench.reports.largest()).await;
        let workload = SubmitsAndStatusCalls {
            submit: submit.clone(),
            get_status: get_status.clone(),
            interval: Duration::from_secs(2),
        };
        let agents = Load::start(host.address(), agents, workload);
        let workload = PageCalls { pages: page_calls(&host, &completed_scan), interval: Duration::from_millis(200) };
        let readers = Load::start(host.address(), READERS, workload);
        host.wait_until_completed(&large_scan).await;
        scan_times.push(start.elapsed());
        // The load lasts at least until each agent has made a call.
        tokio::time::sleep(bench.period(Duration::from_secs(4)).saturating_sub(start.elapsed())).await;
        let (calls, _) = agents.stop().await;
        let (submits, status_calls): (Vec<CompletedCall>, Vec<CompletedCall>) =
            calls.into_iter().partition(|call| call.task_id.is_some());
        let (pages, _) = readers.stop().await;
        for (calls, times, p99s) in [
            (submits, &mut submit_times, &mut submit_p99s),
            (status_calls, &mut status_times, &mut status_p99s),
            (pages, &mut page_times, &mut page_p99s),
        ] {
            let mut times_of_run: Vec<Duration> = calls.iter().map(|call| call.time).collect();
            if !times_of_run.is_empty() {
                p99s.push(quantile(&mut times_of_run, 0.99));
                times.extend(times_of_run);
            }
        }
    }
    let (standard, largest) = (bench.reports.standard().size(), bench.reports.largest().size());
    let load = format!("{agents} agents call every 2 s, {READERS} read pages of {standard}, ingest of {largest}");
    for (name, mut times, mut p99s, target) in [
        ("submit", submit_times, submit_p99s, Target::AtMost(30.0)),
        ("status", status_times, status_p99s, Target::AtMost(5.0)),
        ("page", page_times, page_p99s, Target::None),
    ] {
        // In a smoke test there may be no call of a kind.
        if times.is_empty() {
            continue;
        }
        let details = format!("{} calls: {}", times.len(), percentiles(&mut times));
        table.row(format!("{load}: p99 of {name}"), Figure::milliseconds(median(&mut p99s)), target, details);
    }
    table.row(
        format!("{load}: scan with the ingested report"),
        Figure::new(median(&mut scan_times).as_secs_f64(), "s"),
        Target::None,
        "",
    );
}

/// Measures agents that read pages as fast as they can while the host ingests a large report.
pub async fn measure_page_readers(bench: &Bench, table: &mut Table) {
    const READERS: usize = 32;
    let host = BenchHost::start(bench).await;
    let completed_scan = host.run_scan(bench.reports.standard()).await;
    let (mut p99s, mut all_times, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let large_scan = host.submit_scan(bench.reports.largest()).await;
        let workload = PageCalls { pages: page_calls(&host, &completed_scan), interval: Duration::ZERO };
        let load = Load::start(host.address(), READERS, workload);
        host.wait_until_completed(&large_scan).await;
        let (calls, time) = load.stop().await;
        let mut times: Vec<Duration> = calls.iter().map(|call| call.time).collect();
        p99s.push(quantile(&mut times, 0.99));
        rates.push(times.len() as f64 / time.as_secs_f64());
        all_times.extend(times);
    }
    let (standard, largest) = (bench.reports.standard().size(), bench.reports.largest().size());
    let rate = Figure::new(median(&mut rates), "pages per second");
    table.row(
        format!("{READERS} agents read pages of {standard} without pause, ingest of {largest}: p99 of page"),
        Figure::milliseconds(median(&mut p99s)),
        Target::AtMost(50.0),
        format!("{rate}, {}", percentiles(&mut all_times)),
    );
}

/// Calls for the first ten pages of a scan's results with several filters, as agents read them.
fn page_calls(host: &BenchHost, id: &str) -> Vec<Call> {
    let filters = [
        json!({}),
        json!({ "severity": ">=High" }),
        json!({ "exploit_available": true }),
        json!({ "cvss_score": ">7" }),
    ];
    let arguments = (1..=10)
        .flat_map(|page| filters.iter().map(move |filters| json!({ "task_id": id, "page": page, "filters": filters })));
    arguments.map(|arguments| host.call("get_scan_results", &arguments)).collect()
}

/// Each agent repeats one call this many times.
struct LimitedRepeat {
    call: Call,
    calls: usize,
}

impl Workload for LimitedRepeat {
    fn next_call(&self, _agent: usize, completed: usize) -> Option<Call> {
        (completed < self.calls).then(|| self.call.clone())
    }
}

/// Each agent submits a scan and asks for a status in turn.
struct SubmitsAndStatusCalls {
    submit: Call,
    get_status: Call,
    interval: Duration,
}

impl Workload for SubmitsAndStatusCalls {
    fn next_call(&self, agent: usize, completed: usize) -> Option<Call> {
        let call = if (agent + completed).is_multiple_of(2) { &self.submit } else { &self.get_status };
        Some(call.clone())
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}

struct PageCalls {
    pages: Vec<Call>,
    interval: Duration,
}

impl Workload for PageCalls {
    fn next_call(&self, agent: usize, completed: usize) -> Option<Call> {
        // The agents begin at different pages.
        Some(self.pages[(agent * 7 + completed) % self.pages.len()].clone())
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}
