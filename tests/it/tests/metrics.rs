//! Every metric exists from the start, and changes with its event.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use scanhost_it::{
    mcp::McpClient,
    scrape::{Scrape, metric_family},
    server::{Home, Server},
    testbed::wait_until,
};
use serde_json::{Value, json};

/// The longest time until a metric has changed, including some failed requests to an unreachable scanner.
const TIMEOUT: Duration = Duration::from_secs(60);

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

struct TestHost {
    home: Home,
    server: Server,
    mcp: McpClient,
}

impl TestHost {
    fn start() -> Self {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SERVER)]);
        let server = home.start();
        let mcp = server.mcp().with_token(TOKEN);
        Self { home, server, mcp }
    }

    async fn scrape(&self) -> Scrape {
        Scrape::fetch(&self.mcp, self.server.url(), TOKEN).await
    }

    async fn submit(&self, pool: &str) -> String {
        let arguments = json!({ "targets": "10.0.0.1", "name": "counted", "scanner_pool": pool });
        let submitted = self.mcp.call_ok("run_untrusted_scan", arguments).await;
        submitted["task_id"].as_str().expect("a task id").to_owned()
    }

    async fn run_scan(&self, pool: &str) -> String {
        let id = self.submit(pool).await;
        self.mcp.wait_for_end(&id, TIMEOUT).await;
        id
    }

    async fn get(&self, path: &str, token: &str) -> u16 {
        let response = self.mcp.http().get(format!("{}{path}", self.server.url())).bearer_auth(token).send().await;
        response.expect("the server answers").status().as_u16()
    }

    /// The last line of the log with this message.
    fn log_line(&self, message: &str) -> Value {
        let log = self.server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.rev().find(|line| line["message"] == message).unwrap_or_else(|| panic!("no {message:?} in the log"))
    }

    /// Causes the event, waits until each series has changed as expected, and adds the families of the series to
    /// `moved`.
    async fn check_changes(
        &self,
        event: impl AsyncFnOnce(&Self),
        expected: &[(&str, Change)],
        moved: &mut BTreeSet<String>,
    ) {
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
                (!change.matches(was, is)).then(|| format!("{series}: from {was} to {is}, expected {change:?}"))
            });
            let Some(missing) = missing else { break };
            assert!(start.elapsed() < TIMEOUT, "{missing}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        moved.extend(expected.iter().map(|(series, _)| metric_family(series).to_owned()));
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
    fn matches(self, was: f64, is: f64) -> bool {
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
async fn every_metric_changes_with_its_event() {
    let host = TestHost::start();
    // The histogram of MCP requests has no series before the first request of each kind, so one scan runs before.
    let first = host.run_scan("mock").await;
    host.mcp.results(json!({ "task_id": first })).await;
    // The end of a scan becomes visible before it is counted.
    wait_until("the end of the first scan", || host.server.log().contains("scan ended")).await;
    let mut moved = BTreeSet::new();
    let m = &mut moved;

    let scan = async |host: &TestHost| {
        let id = host.run_scan("mock").await;
        host.mcp.results(json!({ "task_id": id })).await;
    };
    let expected = [
        ("scanhost_scans_total{pool=\"mock\",scan_type=\"untrusted\",status=\"completed\"}", By(1.0)),
        ("scanhost_scan_duration_seconds_count{pool=\"mock\",status=\"completed\"}", By(1.0)),
        ("scanhost_findings_ingested_total", By(3.0)),
        ("scanhost_report_bytes_total", Grows),
        ("scanhost_tool_calls_total{tool=\"run_untrusted_scan\",outcome=\"ok\"}", By(1.0)),
        ("scanhost_tool_duration_seconds_count{tool=\"get_scan_results\"}", By(1.0)),
        (RESULT_CALLS, By(1.0)),
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
        ("scanhost_build_info{version=\"0.1.0\"}", To(1.0)),
        ("scanhost_disk_free_bytes", AtLeast(1.0)),
        ("scanhost_disk_reserve_bytes", To(1_048_576.0)),
        ("scanhost_data_folder_up", To(1.0)),
        ("process_resident_memory_bytes", AtLeast(1_048_576.0)),
        ("process_virtual_memory_bytes", AtLeast(1_048_576.0)),
        ("process_cpu_seconds_total", AtLeast(0.0)),
        ("process_open_fds", AtLeast(3.0)),
        ("process_max_fds", AtLeast(3.0)),
        ("process_threads", AtLeast(1.0)),
        ("process_start_time_seconds", AtLeast(1.0)),
        ("scanhost_store_trusted", To(1.0)),
        ("scanhost_store_emptied", To(0.0)),
        ("scanhost_store_risks", To(0.0)),
        ("scanhost_clock_offset_seconds", To(0.0)),
        ("scanhost_orphans{pool=\"mock\",instance=\"m1\"}", To(0.0)),
        ("scanhost_scanner_login_refused{pool=\"mock\",instance=\"m1\"}", To(0.0)),
    ];
    host.check_changes(scan, &expected, m).await;

    let fail = async |host: &TestHost| drop(host.run_scan("broken").await);
    let expected = [
        ("scanhost_scans_total{pool=\"broken\",scan_type=\"untrusted\",status=\"failed\"}", By(1.0)),
        ("scanhost_dead_letters{pool=\"broken\"}", By(1.0)),
        ("scanhost_plugin_calls_total{plugin=\"mock\",function=\"launch\",outcome=\"error\"}", By(1.0)),
    ];
    host.check_changes(fail, &expected, m).await;

    let two = async |host: &TestHost| {
        host.submit("slow").await;
        host.submit("slow").await;
    };
    let expected = [
        ("scanhost_active_scans{pool=\"slow\",instance=\"s1\"}", By(1.0)),
        ("scanhost_queue_depth{pool=\"slow\"}", By(1.0)),
    ];
    host.check_changes(two, &expected, m).await;

    let cancel = async |host: &TestHost| {
        let waiting =
            host.mcp.call_ok("list_scans", json!({ "status": "queued" })).await["scans"][0]["task_id"].clone();
        host.mcp.call_ok("cancel_scan", json!({ "task_id": waiting })).await;
        // A second cancellation changes nothing, and does not count as a refused transition.
        host.mcp.call_ok("cancel_scan", json!({ "task_id": waiting })).await;
    };
    let expected = [
        ("scanhost_scans_total{pool=\"slow\",scan_type=\"untrusted\",status=\"cancelled\"}", By(1.0)),
        ("scanhost_queue_depth{pool=\"slow\"}", By(-1.0)),
        ("scanhost_invalid_transitions_total", By(0.0)),
    ];
    host.check_changes(cancel, &expected, m).await;

    let cancel_ended = async |host: &TestHost| {
        let (code, ..) = host.mcp.call_refused("cancel_scan", json!({ "task_id": first })).await;
        assert_eq!(code, "conflict");
    };
    let expected = [
        ("scanhost_invalid_transitions_total", By(1.0)),
        ("scanhost_tool_calls_total{tool=\"cancel_scan\",outcome=\"conflict\"}", By(1.0)),
    ];
    host.check_changes(cancel_ended, &expected, m).await;
    wait_until("the log line", || host.server.log().contains("refused transition")).await;
    let line = host.log_line("refused transition");
    assert_eq!((&line["scan"], &line["wanted"]), (&json!(first), &json!("cancelled")));
    assert!(line["trace"].as_str().is_some_and(|trace| trace.len() == 32), "{line}");

    let failed_requests = async |host: &TestHost| {
        let no_tool = host.mcp.call_method("tools/call", json!({ "name": "x\"} 1", "arguments": {} })).await;
        assert!(no_tool.is_err());
        assert_eq!(host.get("/nothing\"}", TOKEN).await, 404);
        assert_eq!(host.get("/metrics", "another-token").await, 401);
    };
    let expected = [
        ("scanhost_tool_calls_total{tool=\"unknown\",outcome=\"invalid_argument\"}", By(1.0)),
        ("scanhost_http_requests_total{route=\"/metrics\",code=\"200\"}", Grows),
        ("scanhost_auth_failures_total", By(1.0)),
    ];
    host.check_changes(failed_requests, &expected, m).await;
    let scrape = host.scrape().await;
    assert_eq!(scrape.value("scanhost_http_requests_total{route=\"unknown\",code=\"404\"}"), Some(1.0));
    assert_eq!(scrape.value("scanhost_http_requests_total{route=\"/metrics\",code=\"401\"}"), Some(1.0));

    // Five failures at once open the circuit breaker.
    let wait = async |host: &TestHost| {
        for _ in 0..5 {
            host.submit("away").await;
        }
    };
    host.check_changes(wait, &[("scanhost_circuit_state{pool=\"away\",instance=\"a1\"}", By(1.0))], m).await;

    let lose_findings = async |host: &TestHost| {
        let folder = host.home.data().join("tasks").join(&first);
        fs::remove_file(folder.join("findings.columns")).expect("a file can be removed");
        host.mcp.results(json!({ "task_id": first })).await;
    };
    host.check_changes(lose_findings, &[("scanhost_report_rebuilds_total", By(1.0))], m).await;

    let reload = async |host: &TestHost| host.server.send_sighup();
    let expected = [
        ("scanhost_config_reloads_total{outcome=\"ok\"}", By(1.0)),
        ("scanhost_plugin_generation{plugin=\"mock\"}", To(1.0)),
    ];
    host.check_changes(reload, &expected, m).await;

    assert_eq!(moved, *scrape.families(), "each metric has an event in this test");
}

const RESULT_CALLS: &str =
    "mcp_server_operation_duration_seconds_count{mcp_method_name=\"tools/call\",gen_ai_tool_name=\"get_scan_results\"}";

/// A series of every metric that exists before anything has happened, with labels of this configuration. Only the
/// metric of MCP requests is missing: it has no series before the first request of each kind.
const INITIAL_SERIES: [&str; 23] = [
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
    "scanhost_report_rebuilds_total",
    "scanhost_request_wait_seconds_count",
    "scanhost_store_up",
];

#[tokio::test]
async fn every_metric_exists_from_the_start() {
    let host = TestHost::start();
    let scrape = host.scrape().await;
    for series in INITIAL_SERIES {
        let value = scrape.value(series).unwrap_or_else(|| panic!("{series} is missing"));
        if metric_family(series).ends_with("_total") {
            assert_eq!(value, 0.0, "{series}");
        }
    }
}
