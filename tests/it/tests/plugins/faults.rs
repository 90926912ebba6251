//! Every way in which a plugin can go wrong while it runs: it ends in its own fault, within its limits, and nobody who
//! asks something else has to wait for it.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use scanhost_it::{
    guests,
    lab::{SCAN_TIME, wait_until},
    mcp::Mcp,
    server::Home,
};
use serde_json::json;

use crate::wire::{Manner, Wire};

struct Hostile {
    name: &'static str,
    component: &'static [u8],
    ends: Ends,
}

/// What becomes of its scan, and what is said about that.
#[derive(Clone, Copy)]
enum Ends {
    /// With this code.
    Failed(&'static str, &'static str),
    /// For the scanner may have been slow.
    TriedAgain(&'static str),
}

const fn hostile(name: &'static str, component: &'static [u8], says: &'static str) -> Hostile {
    Hostile { name, component, ends: Ends::Failed("plugin", says) }
}

const TABLE: [Hostile; 9] = [
    hostile("chatty", guests::CHATTY, "300 ms of CPU"),
    hostile("deep", guests::DEEP, "crashed"),
    // Its scanner never answers.
    Hostile { name: "eager", component: guests::EAGER, ends: Ends::TriedAgain("no answer within 5 s") },
    hostile("flood", guests::FLOOD, "300 ms of CPU"),
    hostile("giant", guests::GIANT, "broke the contract"),
    hostile("hoard", guests::HOARD, "64 MiB of memory"),
    Hostile { name: "nosy", component: guests::NOSY, ends: Ends::Failed("remote_scan_failed", "28 of 28 denied") },
    hostile("panic", guests::PANIC, "crashed"),
    hostile("spin", guests::SPIN, "300 ms of CPU"),
];

/// A home with a pool for each of them, and one beside them that works.
fn home(scanner: &Wire) -> Home {
    let (mut pools, mut plugins) =
        ("mock: [{instance_id: m1, options: {duration_seconds: 0}}]\n".to_owned(), String::new());
    for Hostile { name, ends, .. } in TABLE {
        writeln!(pools, "{name}: [{{instance_id: s1, url: '{}'}}]", scanner.url()).unwrap();
        // Little only for those that are to run out of it: a busy machine takes long for what costs little.
        let cpu_ms = if matches!(ends, Ends::Failed(_, says) if says.ends_with("of CPU")) { 300 } else { 5_000 };
        let limits = format!("limits: {{cpu_ms: {cpu_ms}, wall_seconds: 5, memory_mib: 64}}");
        writeln!(plugins, "  {name}: {{file: {name}.wasm, grants: [http], {limits}}}").unwrap();
    }
    let home = Home::new(&[("scanners.yaml", &pools)]).hasty();
    for Hostile { name, component, .. } in TABLE {
        fs::write(home.config().join(format!("{name}.wasm")), component).unwrap();
    }
    home.write("scanhost.yaml", &format!("limits: {{poll_seconds: 0.2}}\nplugins:\n{plugins}"));
    home
}

async fn submit(mcp: &Mcp, pool: &str) -> String {
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": pool });
    mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned()
}

/// How long calls took that have nothing to do with the bad plugins, sorted. They go on until `end` is there, and then
/// for a moment.
async fn calls_beside(mcp: &Mcp, id: &str, end: impl Future<Output = ()>) -> Vec<Duration> {
    let mut took = Vec::new();
    let calls = async {
        loop {
            let start = Instant::now();
            match took.len() % 3 {
                0 => drop(mcp.ok("get_scan_status", json!({ "task_id": id })).await),
                1 => drop(mcp.ok("list_pools", json!({})).await),
                _ => drop(mcp.results(json!({ "task_id": id })).await),
            }
            took.push(start.elapsed());
        }
    };
    let end = async {
        end.await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    tokio::select! {
        () = calls => unreachable!("they go on"),
        () = end => {}
    }
    took.sort();
    took
}

fn at(took: &[Duration], percent: usize) -> Duration {
    took[(took.len() - 1) * percent / 100]
}

#[tokio::test]
async fn each_ends_in_its_own_fault_and_holds_up_nobody() {
    let scanner = Wire::open(Manner::Silent).await;
    let home = home(&scanner);
    let server = home.start();
    let mcp = server.mcp();
    let good = submit(&mcp, "mock").await;
    assert_eq!(mcp.ended(&good, SCAN_TIME).await["status"], "completed");
    let before = calls_beside(&mcp, &good, async {}).await;

    let scans = async {
        let mut ids = Vec::new();
        for Hostile { name, .. } in TABLE {
            ids.push(submit(&mcp, name).await);
        }
        for (Hostile { name, ends, .. }, id) in TABLE.iter().zip(&ids) {
            match ends {
                Ends::Failed(code, says) => {
                    let status = mcp.ended(id, SCAN_TIME).await;
                    let error = &status["error"];
                    assert_eq!(
                        (&status["status"], &error["code"]),
                        (&json!("failed"), &json!(code)),
                        "{name}: {status}"
                    );
                    assert!(error["message"].as_str().unwrap().contains(says), "{name}: {status}");
                    assert!(!status.to_string().contains("as always"), "what it wrote is not for agents: {status}");
                }
                Ends::TriedAgain(says) => {
                    let is_told =
                        |line: &str| line.contains("trying again") && line.contains(id) && line.contains(says);
                    wait_until("the fault", || server.log().lines().any(is_told)).await;
                }
            }
        }
    };
    let during = calls_beside(&mcp, &good, scans).await;
    let is_told = |line: &str| line.contains("WARN") && line.contains("as always") && line.contains("status");
    assert!(server.log().lines().any(is_told), "the operator sees the panic's message: {}", server.log());
    println!(
        "other calls: median {:?}, p99 {:?} of {} before; median {:?}, p99 {:?} of {} beside {} bad plugins",
        at(&before, 50),
        at(&before, 99),
        before.len(),
        at(&during, 50),
        at(&during, 99),
        during.len(),
        TABLE.len(),
    );
    // No benchmark: this fails where calls wait for the bad ones' limits.
    assert!(at(&during, 50) < Duration::from_millis(400), "{during:?}");
    let after = submit(&mcp, "mock").await;
    assert_eq!(mcp.ended(&after, SCAN_TIME).await["status"], "completed", "others are served on");
}
