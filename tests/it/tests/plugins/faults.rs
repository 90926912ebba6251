//! Plugins that misbehave while they run: each ends in its fault, within its limits, and delays no other call.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use scanhost_it::{
    guests,
    mcp::McpClient,
    server::Home,
    testbed::{SCAN_TIMEOUT, wait_until},
};
use serde_json::json;

use crate::fake_scanner::{Behavior, FakeScanner};

struct HostilePlugin {
    name: &'static str,
    component: &'static [u8],
    outcome: Outcome,
}

/// The outcome of its scan, with a part of the message.
#[derive(Clone, Copy)]
enum Outcome {
    /// The scan fails with this code.
    Failed(&'static str, &'static str),
    /// The host retries the scan, since the scanner may only have been slow.
    Retried(&'static str),
}

const fn hostile(name: &'static str, component: &'static [u8], expected: &'static str) -> HostilePlugin {
    HostilePlugin { name, component, outcome: Outcome::Failed("plugin", expected) }
}

const HOSTILE_PLUGINS: [HostilePlugin; 9] = [
    hostile("chatty", guests::CHATTY, "300 ms of CPU"),
    hostile("deep", guests::DEEP, "crashed"),
    // The scanner never answers the requests of this plugin.
    HostilePlugin { name: "eager", component: guests::EAGER, outcome: Outcome::Retried("no answer within 5 s") },
    hostile("flood", guests::FLOOD, "300 ms of CPU"),
    hostile("giant", guests::GIANT, "broke the contract"),
    hostile("hoard", guests::HOARD, "64 MiB of memory"),
    HostilePlugin {
        name: "nosy",
        component: guests::NOSY,
        outcome: Outcome::Failed("remote_scan_failed", "28 of 28 denied"),
    },
    hostile("panic", guests::PANIC, "crashed"),
    hostile("spin", guests::SPIN, "300 ms of CPU"),
];

/// Makes a home with a pool for each hostile plugin, and a pool that works.
fn home(scanner: &FakeScanner) -> Home {
    let (mut pools, mut plugins) =
        ("mock: [{instance_id: m1, options: {duration_seconds: 0}}]\n".to_owned(), String::new());
    for HostilePlugin { name, outcome, .. } in HOSTILE_PLUGINS {
        writeln!(pools, "{name}: [{{instance_id: s1, url: '{}'}}]", scanner.url()).unwrap();
        // Only plugins that have to exhaust the CPU limit get a small one, since on a busy machine cheap calls cost
        // more.
        let cpu_ms =
            if matches!(outcome, Outcome::Failed(_, expected) if expected.ends_with("of CPU")) { 300 } else { 5_000 };
        let limits = format!("limits: {{cpu_ms: {cpu_ms}, wall_seconds: 5, memory_mib: 64}}");
        writeln!(plugins, "  {name}: {{file: {name}.wasm, grants: [http], {limits}}}").unwrap();
    }
    let home = Home::new(&[("scanners.yaml", &pools)]).with_short_timeouts();
    for HostilePlugin { name, component, .. } in HOSTILE_PLUGINS {
        fs::write(home.config().join(format!("{name}.wasm")), component).unwrap();
    }
    home.write("scanhost.yaml", &format!("limits: {{poll_seconds: 0.2}}\nplugins:\n{plugins}"));
    home
}

async fn submit(mcp: &McpClient, pool: &str) -> String {
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": pool });
    mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned()
}

/// Makes calls that do not involve the hostile plugins until half a second after `end`, and returns their durations,
/// sorted.
async fn time_other_calls(mcp: &McpClient, id: &str, end: impl Future<Output = ()>) -> Vec<Duration> {
    let mut durations = Vec::new();
    let calls = async {
        loop {
            let start = Instant::now();
            match durations.len() % 3 {
                0 => drop(mcp.call_ok("get_scan_status", json!({ "task_id": id })).await),
                1 => drop(mcp.call_ok("list_pools", json!({})).await),
                _ => drop(mcp.results(json!({ "task_id": id })).await),
            }
            durations.push(start.elapsed());
        }
    };
    let end = async {
        end.await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    tokio::select! {
        () = calls => unreachable!("the calls never end"),
        () = end => {}
    }
    durations.sort();
    durations
}

fn percentile(durations: &[Duration], percent: usize) -> Duration {
    durations[(durations.len() - 1) * percent / 100]
}

#[tokio::test]
async fn hostile_plugin_ends_in_its_fault_and_delays_no_other_call() {
    let scanner = FakeScanner::start(Behavior::Silent).await;
    let home = home(&scanner);
    let server = home.start();
    let mcp = server.mcp();
    let good = submit(&mcp, "mock").await;
    assert_eq!(mcp.wait_for_end(&good, SCAN_TIMEOUT).await["status"], "completed");
    let before = time_other_calls(&mcp, &good, async {}).await;

    let scans = async {
        let mut ids = Vec::new();
        for HostilePlugin { name, .. } in HOSTILE_PLUGINS {
            ids.push(submit(&mcp, name).await);
        }
        for (HostilePlugin { name, outcome, .. }, id) in HOSTILE_PLUGINS.iter().zip(&ids) {
            match outcome {
                Outcome::Failed(code, expected) => {
                    let status = mcp.wait_for_end(id, SCAN_TIMEOUT).await;
                    let error = &status["error"];
                    assert_eq!(
                        (&status["status"], &error["code"]),
                        (&json!("failed"), &json!(code)),
                        "{name}: {status}"
                    );
                    assert!(error["message"].as_str().unwrap().contains(expected), "{name}: {status}");
                    assert!(
                        !status.to_string().contains("as always"),
                        "the panic message is not shown to agents: {status}"
                    );
                }
                Outcome::Retried(expected) => {
                    let is_logged =
                        |line: &str| line.contains("trying again") && line.contains(id) && line.contains(expected);
                    wait_until("the fault", || server.log().lines().any(is_logged)).await;
                }
            }
        }
    };
    let during = time_other_calls(&mcp, &good, scans).await;
    let is_logged = |line: &str| line.contains("WARN") && line.contains("as always") && line.contains("status");
    assert!(server.log().lines().any(is_logged), "the panic message is logged for the operator: {}", server.log());
    println!(
        "other calls: median {:?}, p99 {:?} of {} before; median {:?}, p99 {:?} of {} beside {} hostile plugins",
        percentile(&before, 50),
        percentile(&before, 99),
        before.len(),
        percentile(&during, 50),
        percentile(&during, 99),
        during.len(),
        HOSTILE_PLUGINS.len(),
    );
    // This is not a benchmark: it fails if calls wait until the hostile plugins reach their limits.
    assert!(percentile(&during, 50) < Duration::from_millis(400), "{during:?}");
    let after = submit(&mcp, "mock").await;
    assert_eq!(mcp.wait_for_end(&after, SCAN_TIMEOUT).await["status"], "completed", "other scans still complete");
}
