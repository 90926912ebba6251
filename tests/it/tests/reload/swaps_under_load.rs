//! Swaps of plugins under load. `SCANHOST_SWAPS` sets their number, for which the project promises 500.

use std::{
    env, fs,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use scanhost_it::{
    guests::{STEADY, VIEWER, with_version},
    mcp::McpClient,
    server::replace_file,
    testbed::{SCAN_TIMEOUT, sha256_hex, wait_until},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::test_host::TestHost;

const AGENTS: usize = 32;

/// The number of versions that take turns.
const VERSIONS: u32 = 4;

/// The number of swaps before memory is measured. After these, each version is compiled, and every cache is filled.
const WARM_UP: u32 = 4 * VERSIONS;

/// The default number of swaps, and the smallest with which a leak differs from other growth of memory.
const SWAPS: u32 = 4 * WARM_UP;

/// The growth of memory that is permitted for other reasons than leaks. A leaked version takes about half a megabyte.
const SLACK_KIB: u64 = 8 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_and_no_memory_leaks_while_plugins_are_swapped() {
    let swaps: u32 = env::var("SCANHOST_SWAPS").ok().and_then(|swaps| swaps.parse().ok()).unwrap_or(SWAPS);
    assert!(swaps >= SWAPS, "{swaps} swaps are too few to measure memory");
    let host = TestHost::start();
    let reload = host
        .reload(|config| {
            let scanners = "steady: [{instance_id: s1, max_concurrent_scans: 8}]\n";
            replace_file(&config.join("scanners.yaml"), scanners);
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let (warm, ..) = host.swap_under_load(1..=WARM_UP).await;
    let (swapped, calls, slowest) = host.swap_under_load(WARM_UP + 1..=swaps).await;
    println!(
        "{swaps} swaps under {AGENTS} agents, with {calls} calls: the slowest in effect after {slowest:?}; \
         {warm} KiB after {WARM_UP}, {swapped} KiB after all",
    );
    assert!(swapped < warm + SLACK_KIB, "{warm} KiB, then {swapped} KiB");
}

impl TestHost {
    /// Swaps plugins while agents scan, and returns the memory afterwards in KiB, the number of calls, and the longest
    /// time until a swap was in effect.
    async fn swap_under_load(&self, swaps: RangeInclusive<u32>) -> (u64, u64, Duration) {
        let load = Load::start(&self.mcp);
        let mut slowest = Duration::ZERO;
        for swap in swaps {
            let (file, component) = if swap % 2 == 0 { ("steady.wasm", STEADY) } else { ("viewer.wasm", VIEWER) };
            let other = with_version(component, 1 + (swap / 2) % VERSIONS);
            let digest = sha256_hex(&other);
            let name = file.trim_end_matches(".wasm");
            let start = Instant::now();
            replace_file(&self.config().join(file), other);
            let is_in_use = |ready: &Value| {
                ready["plugins"].as_array().unwrap().iter().any(|p| p["name"] == name && p["digest"] == digest.as_str())
            };
            let ready = self.wait_for_ready(is_in_use).await;
            slowest = slowest.max(start.elapsed());
            assert_eq!(ready["last_reload"]["outcome"], "ok", "{ready}");
        }
        let calls = load.end().await;
        // No call runs any more, so no call holds an old generation.
        wait_until("the end of all old generations", || self.plugin_list().iter().all(|row| row["state"] == "active"))
            .await;
        (resident_kib(self.server.pid()), calls, slowest)
    }
}

/// Agents, each of which runs one scan after another.
struct Load {
    agents: JoinSet<u64>,
    is_ending: Arc<AtomicBool>,
}

impl Load {
    fn start(mcp: &McpClient) -> Self {
        let is_ending = Arc::new(AtomicBool::new(false));
        let mut agents = JoinSet::new();
        for _ in 0..AGENTS {
            let (mcp, is_ending) = (mcp.clone(), is_ending.clone());
            agents.spawn(async move {
                let mut calls = 0;
                while !is_ending.load(Ordering::Relaxed) {
                    calls += run_scan(&mcp).await;
                }
                calls
            });
        }
        Self { agents, is_ending }
    }

    /// Stops the agents, and returns the number of their calls.
    async fn end(self) -> u64 {
        self.is_ending.store(true, Ordering::Relaxed);
        self.agents.join_all().await.into_iter().sum()
    }
}

/// Runs a scan from submit to results, whose calls all have to succeed, and returns the number of calls.
async fn run_scan(mcp: &McpClient) -> u64 {
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
    let id = mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "completed", "{status}");
    let known: Vec<u64> = (1..=u64::from(VERSIONS)).collect();
    let profiles = mcp.call_ok("list_profiles", json!({})).await["profiles"].clone();
    let viewer = profiles.as_array().unwrap().iter().find(|profile| profile["name"] == "viewer").unwrap().clone();
    assert!(viewer["generation"].as_u64().unwrap() >= 1 && viewer["digest"].is_string(), "{viewer}");
    for _ in 0..4 {
        let lines = mcp.results(json!({ "task_id": id, "schema_profile": "viewer" })).await;
        let shown: Vec<u64> = lines.iter().filter_map(|line| line["viewer"].as_u64()).collect();
        assert!(shown.len() == 1 && known.contains(&shown[0]), "{lines:?}");
    }
    // Without the deletion, ended scans would stay for days and take memory.
    mcp.call_ok("delete_scan", json!({ "task_id": id })).await;
    8
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
