//! Swaps under load. `SCANHOST_SWAPS` sets their number: 500 is what the project promises, fewer show the same.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
    let (done, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut agents = JoinSet::new();
    for agent in 0..AGENTS {
        let (mcp, done, calls) = (plant.mcp.clone(), done.clone(), calls.clone());
        agents.spawn(async move {
            let mut scan = 0;
            while !done.load(Ordering::Relaxed) {
                scan += 1;
                calls.fetch_add(run_a_scan(&mcp, agent, scan).await, Ordering::Relaxed);
            }
        });
    }

    let (mut slowest, mut memory) = (Duration::ZERO, Vec::new());
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
        memory.push(resident_kib(plant.server.pid()));
    }
    done.store(true, Ordering::Relaxed);
    while let Some(agent) = agents.join_next().await {
        agent.unwrap();
    }
    let warm = memory.get(2 * VERSIONS as usize).copied().unwrap_or_default();
    let last = memory.last().copied().unwrap_or_default();
    println!(
        "{swaps} swaps under {AGENTS} agents with {} calls: the slowest in effect after {slowest:?}; {warm} KiB, then {last} KiB",
        calls.load(Ordering::Relaxed),
    );
    // Nobody calls any more, so nothing holds an old generation.
    wait_until("the end of all old generations", || plant.listed().iter().all(|row| row["state"] == "active")).await;
    // What is swapped out goes: a version of each is about a megabyte of code.
    assert!(last < warm + 65_536, "{memory:?}");
}

/// From submit to results, each call of which has to succeed. How many there were.
async fn run_a_scan(mcp: &Mcp, agent: usize, scan: u32) -> u64 {
    let arguments =
        json!({ "targets": "10.0.0.1", "name": format!("scan {scan} of agent {agent}"), "scanner_pool": "steady" });
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
