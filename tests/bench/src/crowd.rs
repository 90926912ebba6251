//! Many agents at once beside heavy work: who only asks should not notice who pages, nor that a report is being read.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use crate::{
    Bench,
    hosted::Hosted,
    load::{Load, Made, Plan},
    process::peak_memory,
    table::{Bar, Figure, Table, median, quantile, spread},
    wire::{Call, Wire},
};

const AGENTS: usize = 1_000;

/// A thousand agents that submit ten scans each.
pub async fn burst(bench: &Bench, table: &mut Table) {
    const SUBMITS: usize = 10;
    let (mut rates, mut times, mut memory, mut lost) = (Vec::new(), Vec::new(), 0, 0);
    let agents = bench.few(AGENTS);
    for _ in 0..bench.runs {
        let hosted = Hosted::start(bench).await;
        hosted.pause();
        let (made, time) =
            Load::start(hosted.address(), agents, Bounded { call: hosted.submit(), calls: SUBMITS }).ended().await;
        let ids: BTreeSet<&String> = made.iter().filter_map(|made| made.task_id.as_ref()).collect();
        let queue = hosted.server.mcp().ok("get_queue_status", json!({ "scanner_pool": "mock" })).await;
        let kept = queue["queue_depth"].as_u64().unwrap();
        lost += (agents * SUBMITS).abs_diff(ids.len()) + (agents * SUBMITS).abs_diff(kept as usize);
        rates.push(made.len() as f64 / time.as_secs_f64());
        times.extend(made.iter().map(|made| made.time));
        memory = memory.max(peak_memory(hosted.server.pid()).unwrap());
    }
    let what = format!("{agents} agents at once, {} submits", agents * SUBMITS);
    let rate = format!("{} without an error, {}", Figure::new(median(&mut rates), "a second"), spread(&mut times));
    table.row(format!("{what}: lost or doubled"), Figure::new(lost as f64, "scans"), Bar::AtMost(0.0), rate);
    table.row(
        format!("{what}: server's peak memory"),
        Figure::mebibytes(memory),
        Bar::AtMost(200e6 / f64::from(1 << 20)),
        "",
    );
}

/// A thousand agents at their pace, ten readers of pages, and a large report on its way in.
pub async fn paced(bench: &Bench, table: &mut Table) {
    const READERS: usize = 10;
    let hosted = Hosted::start(bench).await;
    let read = hosted.scanned(bench.reports.usual()).await;
    let submit = hosted.submit();
    let id = Wire::to(&hosted.server).await.call(&submit).await.task_id();
    let ask = hosted.call("get_scan_status", &json!({ "task_id": id }));
    let agents = bench.few(AGENTS);
    let [mut submits, mut asked, mut pages, mut reading] = [const { Vec::new() }; 4];
    let (mut most_submits, mut most_asked, mut most_pages) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let begun = std::time::Instant::now();
        let large = hosted.begin(bench.reports.largest()).await;
        let pacing = Pacing { submit: submit.clone(), ask: ask.clone(), pace: Duration::from_secs(2) };
        let agents = Load::start(hosted.address(), agents, pacing);
        let plan = Paging { pages: pages_of(&hosted, &read), pace: Duration::from_millis(200) };
        let readers = Load::start(hosted.address(), READERS, plan);
        hosted.finish(&large).await;
        reading.push(begun.elapsed());
        // So long at least that each has called.
        tokio::time::sleep(bench.period(Duration::from_secs(4)).saturating_sub(begun.elapsed())).await;
        let (made, _) = agents.stop().await;
        let (of_submits, of_asked): (Vec<Made>, Vec<Made>) = made.into_iter().partition(|made| made.task_id.is_some());
        let (of_pages, _) = readers.stop().await;
        for (made, all, most) in [
            (of_submits, &mut submits, &mut most_submits),
            (of_asked, &mut asked, &mut most_asked),
            (of_pages, &mut pages, &mut most_pages),
        ] {
            let mut times: Vec<Duration> = made.iter().map(|made| made.time).collect();
            if !times.is_empty() {
                most.push(quantile(&mut times, 0.99));
                all.extend(times);
            }
        }
    }
    let (usual, largest) = (bench.reports.usual().size(), bench.reports.largest().size());
    let what = format!("{agents} agents every 2 s, {READERS} page {usual}, {largest} is read");
    for (name, mut all, mut most, bar) in [
        ("submit", submits, most_submits, Bar::AtMost(30.0)),
        ("status", asked, most_asked, Bar::AtMost(5.0)),
        ("page", pages, most_pages, Bar::None),
    ] {
        // Where a few agents only have to work for a moment, none of them may have asked.
        if all.is_empty() {
            continue;
        }
        let more = format!("of all {} calls {}", all.len(), spread(&mut all));
        table.row(format!("{what}: p99 of {name}"), Figure::milliseconds(median(&mut most)), bar, more);
    }
    table.row(
        format!("{what}: scan of the latter"),
        Figure::new(median(&mut reading).as_secs_f64(), "s"),
        Bar::None,
        "",
    );
}

/// Agents that page as fast as they can while a large report is on its way in.
pub async fn readers(bench: &Bench, table: &mut Table) {
    const READERS: usize = 32;
    let hosted = Hosted::start(bench).await;
    let read = hosted.scanned(bench.reports.usual()).await;
    let (mut most, mut all, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let large = hosted.begin(bench.reports.largest()).await;
        let plan = Paging { pages: pages_of(&hosted, &read), pace: Duration::ZERO };
        let load = Load::start(hosted.address(), READERS, plan);
        hosted.finish(&large).await;
        let (made, time) = load.stop().await;
        let mut times: Vec<Duration> = made.iter().map(|made| made.time).collect();
        most.push(quantile(&mut times, 0.99));
        rates.push(times.len() as f64 / time.as_secs_f64());
        all.extend(times);
    }
    let (usual, largest) = (bench.reports.usual().size(), bench.reports.largest().size());
    let more = format!("{}, {}", Figure::new(median(&mut rates), "pages a second"), spread(&mut all));
    let what = format!("{READERS} agents page {usual} in a closed loop, {largest} is read: p99 of a page");
    table.row(what, Figure::milliseconds(median(&mut most)), Bar::AtMost(50.0), more);
}

/// Pages of several kinds, as agents leaf through a report.
fn pages_of(hosted: &Hosted, id: &str) -> Vec<Call> {
    let filters = [
        json!({}),
        json!({ "severity": ">=High" }),
        json!({ "exploit_available": true }),
        json!({ "cvss_score": ">7" }),
    ];
    let pages = (1..=10)
        .flat_map(|page| filters.iter().map(move |filters| json!({ "task_id": id, "page": page, "filters": filters })));
    pages.map(|question| hosted.call("get_scan_results", &question)).collect()
}

struct Bounded {
    call: Call,
    calls: usize,
}

impl Plan for Bounded {
    fn next(&self, _agent: usize, made: usize) -> Option<Call> {
        (made < self.calls).then(|| self.call.clone())
    }
}

/// Submits and asks in turn.
struct Pacing {
    submit: Call,
    ask: Call,
    pace: Duration,
}

impl Plan for Pacing {
    fn next(&self, agent: usize, made: usize) -> Option<Call> {
        Some(if (agent + made).is_multiple_of(2) { &self.submit } else { &self.ask }.clone())
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}

struct Paging {
    pages: Vec<Call>,
    pace: Duration,
}

impl Plan for Paging {
    fn next(&self, agent: usize, made: usize) -> Option<Call> {
        Some(self.pages[(agent * 7 + made) % self.pages.len()].clone())
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}
