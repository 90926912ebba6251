//! Every metric is there from the start, and moves when its event happens.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use scanhost_it::{
    lab::wait_until,
    mcp::Mcp,
    scrape::{Scrape, family},
    server::{Home, Server},
};
use serde_json::{Value, json};

/// For what takes a few looks, or a few tries at a scanner that is away.
const BOUND: Duration = Duration::from_secs(60);

const SCANNERS: &str = "
mock: [{instance_id: m1, max_concurrent_scans: 3, options: {duration_seconds: 0, hosts: 1, findings_per_host: 3}}]
slow: [{instance_id: s1, backend: mock, max_concurrent_scans: 1, options: {duration_seconds: 600}}]
broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: launch}}]
away: [{instance_id: a1, backend: nessus, max_concurrent_scans: 5, url: 'http://127.0.0.1:9', auth: {access_key: a, secret_key: s}}]
";

const TOKEN: &str = "operator-token";

const SERVER: &str = "
limits: {poll_seconds: 0.2}
tokens: [{name: operator, scopes: [scan:read, scan:submit], token: operator-token}]
";

struct Desk {
    home: Home,
    server: Server,
    mcp: Mcp,
}

impl Desk {
    fn open() -> Self {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SERVER)]);
        let server = home.start();
        let mcp = server.mcp().with_token(TOKEN);
        Self { home, server, mcp }
    }

    async fn scrape(&self) -> Scrape {
        Scrape::of(&self.mcp, self.server.url(), TOKEN).await
    }

    async fn submit(&self, pool: &str) -> String {
        let arguments = json!({ "targets": "10.0.0.1", "name": "counted", "scanner_pool": pool });
        let submitted = self.mcp.ok("run_untrusted_scan", arguments).await;
        submitted["task_id"].as_str().expect("a task id").to_owned()
    }

    async fn ended(&self, pool: &str) -> String {
        let id = self.submit(pool).await;
        self.mcp.ended(&id, BOUND).await;
        id
    }

    async fn get(&self, path: &str, token: &str) -> u16 {
        let asked = self.mcp.http().get(format!("{}{path}", self.server.url())).bearer_auth(token).send().await;
        asked.expect("the server answers").status().as_u16()
    }

    /// The last line of the log with this message.
    fn log_line(&self, message: &str) -> Value {
        let log = self.server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.rev().find(|line| line["message"] == message).unwrap_or_else(|| panic!("no {message:?} in the log"))
    }

    /// What the event makes of each series: by how much it grows, or more than nothing where that is not known.
    async fn check(&self, event: impl AsyncFnOnce(&Self), expected: &[(&str, Change)], moved: &mut BTreeSet<String>) {
        let before = self.scrape().await;
        event(self).await;
        let start = Instant::now();
        loop {
            let after = self.scrape().await;
            let missing = expected.iter().find_map(|(series, change)| {
                let value = |scrape: &Scrape| scrape.value(series);
                let (Some(was), Some(is)) = (value(&before), value(&after)) else {
                    return Some(format!("{series}: {:?}, then {:?}", value(&before), value(&after)));
                };
                (!change.holds(was, is)).then(|| format!("{series}: from {was} to {is}, expected {change:?}"))
            });
            let Some(missing) = missing else { break };
            assert!(start.elapsed() < BOUND, "{missing}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        moved.extend(expected.iter().map(|(series, _)| family(series).to_owned()));
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    By(f64),
    Grows,
    AtLeast(f64),
    To(f64),
}

impl Change {
    fn holds(self, was: f64, is: f64) -> bool {
        match self {
            Self::By(step) => (is - was - step).abs() < 1e-9,
            Self::Grows => is > was,
            Self::AtLeast(value) => is >= value,
            Self::To(value) => (is - value).abs() < 1e-9,
        }
    }
}

use Change::{AtLeast, By, Grows, To};

#[tokio::test]
async fn every_metric_moves_with_its_event() {
    let desk = Desk::open();
    // The histogram of MCP requests has no series before the first request of a kind: errors are not told before.
    let first = desk.ended("mock").await;
    desk.mcp.results(json!({ "task_id": first })).await;
    // An end is counted after it can be seen.
    wait_until("the first scan's end", || desk.server.log().contains("scan ended")).await;
    let mut moved = BTreeSet::new();
    let m = &mut moved;

    let scan = async |desk: &Desk| {
        let id = desk.ended("mock").await;
        desk.mcp.results(json!({ "task_id": id })).await;
    };
    let expected = [
        ("scanhost_scans_total{pool=\"mock\",scan_type=\"untrusted\",status=\"completed\"}", By(1.0)),
        ("scanhost_scan_duration_seconds_count{pool=\"mock\",status=\"completed\"}", By(1.0)),
        ("scanhost_findings_ingested_total", By(3.0)),
        ("scanhost_report_bytes_total", Grows),
        ("scanhost_tool_calls_total{tool=\"run_untrusted_scan\",outcome=\"ok\"}", By(1.0)),
        ("scanhost_tool_duration_seconds_count{tool=\"get_scan_results\"}", By(1.0)),
        (READS, By(1.0)),
        ("scanhost_request_wait_seconds_count", Grows),
        ("scanhost_plugin_calls_total{plugin=\"mock\",function=\"create\",outcome=\"ok\"}", By(1.0)),
        ("scanhost_plugin_calls_total{plugin=\"mock\",function=\"parse\",outcome=\"ok\"}", By(1.0)),
        ("scanhost_plugin_calls_total{plugin=\"profile\",function=\"plan\",outcome=\"ok\"}", Grows),
        ("scanhost_plugin_call_seconds_sum{plugin=\"mock\",function=\"parse\"}", Grows),
        ("scanhost_plugin_memory_bytes{plugin=\"mock\"}", AtLeast(65_536.0)),
        ("scanhost_http_requests_total{route=\"/mcp\",code=\"200\"}", Grows),
        ("scanhost_scanner_up{pool=\"mock\",instance=\"m1\"}", To(1.0)),
        ("scanhost_scanner_up{pool=\"away\",instance=\"a1\"}", To(0.0)),
        ("scanhost_scanner_capacity{pool=\"mock\",instance=\"m1\"}", To(3.0)),
        ("scanhost_store_up", To(1.0)),
    ];
    desk.check(scan, &expected, m).await;

    let fail = async |desk: &Desk| drop(desk.ended("broken").await);
    let expected = [
        ("scanhost_scans_total{pool=\"broken\",scan_type=\"untrusted\",status=\"failed\"}", By(1.0)),
        ("scanhost_dead_letters{pool=\"broken\"}", By(1.0)),
        ("scanhost_plugin_calls_total{plugin=\"mock\",function=\"launch\",outcome=\"error\"}", By(1.0)),
    ];
    desk.check(fail, &expected, m).await;

    let two = async |desk: &Desk| {
        desk.submit("slow").await;
        desk.submit("slow").await;
    };
    let expected = [
        ("scanhost_active_scans{pool=\"slow\",instance=\"s1\"}", By(1.0)),
        ("scanhost_queue_depth{pool=\"slow\"}", By(1.0)),
    ];
    desk.check(two, &expected, m).await;

    let cancel = async |desk: &Desk| {
        let waiting = desk.mcp.ok("list_scans", json!({ "status": "queued" })).await["scans"][0]["task_id"].clone();
        desk.mcp.ok("cancel_scan", json!({ "task_id": waiting })).await;
        // Twice is the same as once, and no transition that anybody refused.
        desk.mcp.ok("cancel_scan", json!({ "task_id": waiting })).await;
    };
    let expected = [
        ("scanhost_scans_total{pool=\"slow\",scan_type=\"untrusted\",status=\"cancelled\"}", By(1.0)),
        ("scanhost_queue_depth{pool=\"slow\"}", By(-1.0)),
        ("scanhost_invalid_transitions_total", By(0.0)),
    ];
    desk.check(cancel, &expected, m).await;

    let cancel_ended = async |desk: &Desk| {
        let (code, ..) = desk.mcp.refused("cancel_scan", json!({ "task_id": first })).await;
        assert_eq!(code, "conflict");
    };
    let expected = [
        ("scanhost_invalid_transitions_total", By(1.0)),
        ("scanhost_tool_calls_total{tool=\"cancel_scan\",outcome=\"conflict\"}", By(1.0)),
    ];
    desk.check(cancel_ended, &expected, m).await;
    wait_until("the log line", || desk.server.log().contains("refused transition")).await;
    let line = desk.log_line("refused transition");
    assert_eq!((&line["scan"], &line["wanted"]), (&json!(first), &json!("cancelled")));
    assert!(line["trace"].as_str().is_some_and(|trace| trace.len() == 32), "{line}");

    let strange = async |desk: &Desk| {
        let no_tool = desk.mcp.method("tools/call", json!({ "name": "x\"} 1", "arguments": {} })).await;
        assert!(no_tool.is_err());
        assert_eq!(desk.get("/nothing\"}", TOKEN).await, 404);
        assert_eq!(desk.get("/metrics", "another-token").await, 401);
    };
    let expected = [
        ("scanhost_tool_calls_total{tool=\"unknown\",outcome=\"invalid_argument\"}", By(1.0)),
        ("scanhost_http_requests_total{route=\"/metrics\",code=\"200\"}", Grows),
        ("scanhost_auth_failures_total", By(1.0)),
    ];
    desk.check(strange, &expected, m).await;
    let told = desk.scrape().await;
    assert_eq!(told.value("scanhost_http_requests_total{route=\"unknown\",code=\"404\"}"), Some(1.0));
    assert_eq!(told.value("scanhost_http_requests_total{route=\"/metrics\",code=\"401\"}"), Some(1.0));

    // As many failures at once as open a breaker.
    let wait = async |desk: &Desk| {
        for _ in 0..5 {
            desk.submit("away").await;
        }
    };
    desk.check(wait, &[("scanhost_circuit_state{pool=\"away\",instance=\"a1\"}", By(1.0))], m).await;

    let lose_findings = async |desk: &Desk| {
        let folder = desk.home.data().join("tasks").join(&first);
        fs::remove_file(folder.join("findings.columns")).expect("a file can be removed");
        desk.mcp.results(json!({ "task_id": first })).await;
    };
    desk.check(lose_findings, &[("scanhost_report_rebuilds_total", By(1.0))], m).await;

    let reload = async |desk: &Desk| desk.server.hang_up();
    let expected = [
        ("scanhost_config_reloads_total{outcome=\"ok\"}", By(1.0)),
        ("scanhost_plugin_generation{plugin=\"mock\"}", To(1.0)),
    ];
    desk.check(reload, &expected, m).await;

    assert_eq!(moved, *told.families(), "each metric that is told has an event in this test");
}

const READS: &str =
    "mcp_server_operation_duration_seconds_count{mcp_method_name=\"tools/call\",gen_ai_tool_name=\"get_scan_results\"}";

/// Every metric of the contract, with labels of this configuration.
const FROM_THE_START: [&str; 20] = [
    "scanhost_scans_total{pool=\"mock\",scan_type=\"privileged\",status=\"timeout\"}",
    "scanhost_scan_duration_seconds_count{pool=\"slow\",status=\"failed\"}",
    "scanhost_queue_depth{pool=\"mock\"}",
    "scanhost_dead_letters{pool=\"broken\"}",
    "scanhost_active_scans{pool=\"mock\",instance=\"m1\"}",
    "scanhost_scanner_capacity{pool=\"away\",instance=\"a1\"}",
    "scanhost_scanner_up{pool=\"away\",instance=\"a1\"}",
    "scanhost_circuit_state{pool=\"away\",instance=\"a1\"}",
    "scanhost_tool_calls_total{tool=\"list_pools\",outcome=\"ok\"}",
    "scanhost_tool_duration_seconds_bucket{tool=\"list_pools\",le=\"+Inf\"}",
    "scanhost_plugin_calls_total{plugin=\"nessus\",function=\"parse\",outcome=\"crash\"}",
    "scanhost_plugin_call_seconds_count{plugin=\"profile\",function=\"shape\"}",
    "scanhost_plugin_memory_bytes{plugin=\"nessus\"}",
    "scanhost_plugin_generation{plugin=\"mock\"}",
    "scanhost_config_reloads_total{outcome=\"failed\"}",
    "scanhost_invalid_transitions_total",
    "scanhost_http_requests_total{route=\"/mcp\",code=\"200\"}",
    "scanhost_auth_failures_total",
    "scanhost_findings_ingested_total",
    "scanhost_report_bytes_total",
];

#[tokio::test]
async fn what_may_be_counted_is_there_from_the_start() {
    let desk = Desk::open();
    let scrape = desk.scrape().await;
    for series in FROM_THE_START {
        let value = scrape.value(series).unwrap_or_else(|| panic!("{series} is missing"));
        if family(series).ends_with("_total") {
            assert_eq!(value, 0.0, "{series}");
        }
    }
}
