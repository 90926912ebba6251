//! Swaps under load. `SCANHOST_SWAPS` sets their number: 500 is what the project promises, fewer show the same.

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
    guests::{STEADY, VIEWER, version},
    lab::{SCAN_TIME, sha256, wait_until},
    mcp::Mcp,
    server::replace,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::plant::Plant;

const AGENTS: usize = 32;

/// Versions that take turns.
const VERSIONS: u32 = 4;

/// Swaps before memory is measured: after these each version is compiled, and what is kept for the next was used once.
const WARM: u32 = 4 * VERSIONS;

/// Swaps in all, where nothing else is said, and the fewest whose leaks could be told from other reasons for memory to grow.
const SWAPS: u32 = 4 * WARM;

/// What memory may grow by for such reasons, however many swaps there are. One that leaves its old version behind takes
/// about half a megabyte.
const SLACK_KIB: u64 = 8 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_a_backend_and_a_profile_are_swapped() {
    let swaps: u32 = env::var("SCANHOST_SWAPS").ok().and_then(|swaps| swaps.parse().ok()).unwrap_or(SWAPS);
    assert!(swaps >= SWAPS, "{swaps} swaps are too few to measure memory");
    let plant = Plant::new();
    let reload = plant
        .reload(|config| {
            let scanners = "steady: [{instance_id: s1, max_concurrent_scans: 8}]\n";
            replace(&config.join("scanners.yaml"), scanners);
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let (warm, ..) = plant.swapped_under_load(1..=WARM).await;
    let (swapped, calls, slowest) = plant.swapped_under_load(WARM + 1..=swaps).await;
    println!(
        "{swaps} swaps under {AGENTS} agents, with {calls} calls: the slowest in effect after {slowest:?}; \
         {warm} KiB after {WARM}, {swapped} KiB after all",
    );
    assert!(swapped < warm + SLACK_KIB, "{warm} KiB, then {swapped} KiB");
}

impl Plant {
    /// The memory afterwards in KiB, the number of calls, and the longest time until a swap was in effect.
    async fn swapped_under_load(&self, swaps: RangeInclusive<u32>) -> (u64, u64, Duration) {
        let load = Load::begin(&self.mcp);
        let mut slowest = Duration::ZERO;
        for swap in swaps {
            let (file, component) = if swap % 2 == 0 { ("steady.wasm", STEADY) } else { ("viewer.wasm", VIEWER) };
            let other = version(component, 1 + (swap / 2) % VERSIONS);
            let digest = sha256(&other);
            let name = file.trim_end_matches(".wasm");
            let start = Instant::now();
            replace(&self.config().join(file), other);
            let is_in_use = |ready: &Value| {
                ready["plugins"].as_array().unwrap().iter().any(|p| p["name"] == name && p["digest"] == digest.as_str())
            };
            let ready = self.ready_when(is_in_use).await;
            slowest = slowest.max(start.elapsed());
            assert_eq!(ready["last_reload"]["outcome"], "ok", "{ready}");
        }
        let calls = load.end().await;
        // Nobody calls any more, so nothing holds an old generation.
        wait_until("the end of all old generations", || self.listed().iter().all(|row| row["state"] == "active")).await;
        (resident_kib(self.server.pid()), calls, slowest)
    }
}

/// Agents that scan one after the other.
struct Load {
    agents: JoinSet<u64>,
    ends: Arc<AtomicBool>,
}

impl Load {
    fn begin(mcp: &Mcp) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let mut agents = JoinSet::new();
        for _ in 0..AGENTS {
            let (mcp, ends) = (mcp.clone(), ends.clone());
            agents.spawn(async move {
                let mut calls = 0;
                while !ends.load(Ordering::Relaxed) {
                    calls += run_a_scan(&mcp).await;
                }
                calls
            });
        }
        Self { agents, ends }
    }

    /// Returns the number of calls.
    async fn end(self) -> u64 {
        self.ends.store(true, Ordering::Relaxed);
        self.agents.join_all().await.into_iter().sum()
    }
}

/// From submit to results, each call of which has to succeed. How many there were.
async fn run_a_scan(mcp: &Mcp) -> u64 {
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
    let id = mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
    let status = mcp.ended(&id, SCAN_TIME).await;
    assert_eq!(status["status"], "completed", "{status}");
    let known: Vec<u64> = (1..=u64::from(VERSIONS)).collect();
    let profiles = mcp.ok("list_profiles", json!({})).await["profiles"].clone();
    let viewer = profiles.as_array().unwrap().iter().find(|profile| profile["name"] == "viewer").unwrap().clone();
    assert!(viewer["generation"].as_u64().unwrap() >= 1 && viewer["digest"].is_string(), "{viewer}");
    for _ in 0..4 {
        let lines = mcp.results(json!({ "task_id": id, "schema_profile": "viewer" })).await;
        let shown: Vec<u64> = lines.iter().filter_map(|line| line["viewer"].as_u64()).collect();
        assert!(shown.len() == 1 && known.contains(&shown[0]), "{lines:?}");
    }
    // Scans that have ended are kept for days, and take memory.
    mcp.ok("delete_scan", json!({ "task_id": id })).await;
    8
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
