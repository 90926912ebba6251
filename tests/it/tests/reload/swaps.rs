//! Swaps under load. `SCANHOST_SWAPS` sets their number: 500 is what the project promises, fewer show the same.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use scanhost_it::{
    guests::{STEADY, VIEWER, version},
    lab::{SCAN_TIME, wait_until},
    mcp::Mcp,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::plant::{Plant, replace};

const AGENTS: usize = 32;

/// Versions that take turns.
const VERSIONS: u32 = 4;

/// What memory may differ by for other reasons.
const SLACK_KIB: u64 = 16 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_a_backend_and_a_profile_are_swapped() {
    let swaps: u32 = env::var("SCANHOST_SWAPS").ok().and_then(|swaps| swaps.parse().ok()).unwrap_or(24);
    let plant = Plant::new();
    let reload = plant
        .reload(|config| {
            let scanners = "steady: [{instance_id: s1, max_concurrent_scans: 8}]\n";
            replace(&config.join("scanners.yaml"), scanners);
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let load = Load::begin(&plant.mcp, u64::MAX);

    let (mut slowest, mut warm) = (Duration::ZERO, (0, 0));
    for swap in 1..=swaps {
        let (file, component) = if swap % 2 == 0 { ("steady.wasm", STEADY) } else { ("viewer.wasm", VIEWER) };
        let other = version(component, 1 + (swap / 2) % VERSIONS);
        let digest = scanhost_it::lab::sha256(&other);
        let name = file.trim_end_matches(".wasm");
        let start = Instant::now();
        replace(&plant.config().join(file), other);
        let is_in_use = |ready: &Value| {
            ready["plugins"].as_array().unwrap().iter().any(|p| p["name"] == name && p["digest"] == digest.as_str())
        };
        let ready = plant.ready_when(is_in_use).await;
        // The first time each version is compiled.
        if swap > 2 * VERSIONS {
            slowest = slowest.max(start.elapsed());
        }
        assert_eq!(ready["last_reload"]["outcome"], "ok", "{ready}");
        if swap == 2 * VERSIONS {
            warm = (resident_kib(plant.server.pid()), load.calls());
        }
    }
    let calls = load.end().await;
    // Nobody calls any more, so nothing holds an old generation.
    wait_until("the end of all old generations", || plant.listed().iter().all(|row| row["state"] == "active")).await;

    let (warm, warm_calls) = warm;
    let swapped = resident_kib(plant.server.pid());
    // Scans that ended are kept for days, and their index in memory grows with them: as many calls without a swap tell by how much.
    Load::begin(&plant.mcp, calls - warm_calls).wait().await;
    let quiet = resident_kib(plant.server.pid());
    println!(
        "{swaps} swaps under {AGENTS} agents with {calls} calls: the slowest in effect after {slowest:?}; \
         {warm} KiB, then {swapped} KiB, and after as many calls without swaps {quiet} KiB",
    );
    // What is swapped out goes: a version of each is about a megabyte of code.
    assert!(swapped.saturating_sub(warm) < quiet.saturating_sub(swapped) + SLACK_KIB, "{warm} {swapped} {quiet}");
}

/// Agents that scan one after the other.
struct Load {
    agents: JoinSet<()>,
    calls: Arc<AtomicU64>,
    /// At how many calls they end.
    goal: Arc<AtomicU64>,
}

impl Load {
    fn begin(mcp: &Mcp, goal: u64) -> Self {
        let (calls, goal) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(goal)));
        let mut agents = JoinSet::new();
        for _ in 0..AGENTS {
            let (mcp, calls, goal) = (mcp.clone(), calls.clone(), goal.clone());
            agents.spawn(async move {
                while calls.load(Ordering::Relaxed) < goal.load(Ordering::Relaxed) {
                    calls.fetch_add(run_a_scan(&mcp).await, Ordering::Relaxed);
                }
            });
        }
        Self { agents, calls, goal }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns the number of calls.
    async fn end(self) -> u64 {
        self.goal.store(0, Ordering::Relaxed);
        self.wait().await
    }

    async fn wait(mut self) -> u64 {
        while let Some(agent) = self.agents.join_next().await {
            agent.unwrap();
        }
        self.calls()
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
    7
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
