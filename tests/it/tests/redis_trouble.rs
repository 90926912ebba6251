//! A Redis that lost its data, that may lose it, or whose clock differs from a worker's: nothing is deleted and nothing at
//! the scanner is touched, and the host says what is wrong.

use std::{fs, time::Duration};

use fake_nessus::{FakeNessus, Operation};
use scanhost_it::{
    mcp::McpClient,
    output::Output,
    redis::Redis,
    server::{Home, Server},
    testbed::{SCAN_TIMEOUT, endless_scans, four_host_report, instant_scans, nessus_scanners_yaml},
};
use serde_json::{Value, json};

/// The longest time until the host says that something is wrong with its store.
const NOTICE_TIME: Duration = Duration::from_secs(5);

const KEYS: &str = "{access_key: ACCESS, secret_key: SECRET}";

fn home(redis: &Redis, scanner: &FakeNessus, more: &str) -> Home {
    let keys = fake_nessus::ApiKeys::default();
    let auth = KEYS.replace("ACCESS", &keys.access).replace("SECRET", &keys.secret);
    Home::new(&[
        ("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), &auth)),
        ("scanhost.yaml", &format!("store: {}\nlimits: {{poll_seconds: 0.2}}\n{more}", redis.url())),
    ])
}

async fn submit(mcp: &McpClient) -> String {
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.20.0.11", "name": "a scan" })).await;
    submitted["task_id"].as_str().expect("an id").to_owned()
}

async fn wait_for_launches(scanner: &FakeNessus, count: u64) {
    let launched = async {
        while scanner.records().executed.count(Operation::Launch) < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SCAN_TIMEOUT, launched).await.expect("the scans are launched");
}

async fn readiness(server: &Server, mcp: &McpClient) -> (u16, Value) {
    let answer = mcp.http().get(format!("{}/ready", server.url())).send().await.expect("the server answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Waits until `/ready` is as wanted, for as long as the host may take to notice.
async fn wait_for_ready(server: &Server, mcp: &McpClient, is_wanted: impl Fn(u16, &Value) -> bool) -> Value {
    let wait = async {
        loop {
            let (code, ready) = readiness(server, mcp).await;
            if is_wanted(code, &ready) {
                return ready;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(NOTICE_TIME, wait).await {
        Ok(ready) => ready,
        Err(_) => panic!("not noticed: {:?}", readiness(server, mcp).await),
    }
}

fn harm(scanner: &FakeNessus) -> [u64; 3] {
    let received = scanner.records().received;
    [Operation::Stop, Operation::Move, Operation::Delete].map(|operation| received.count(operation))
}

fn reports(home: &Home) -> Vec<String> {
    let tasks = fs::read_dir(home.data().join("tasks")).into_iter().flatten().filter_map(Result::ok);
    let has_report = |folder: &std::path::Path| folder.join("findings.columns").is_file();
    let mut names: Vec<String> = tasks
        .filter(|task| has_report(&task.path()))
        .map(|task| task.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_store_loses_no_file_and_touches_nothing_at_the_scanner() {
    let (redis, quick) = (Redis::new(), FakeNessus::start(instant_scans(four_host_report())).await);
    let home = home(&redis, &quick, "retention: {completed_days: 0.0001}\n");
    let server = home.start();
    let mcp = server.mcp();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(submit(&mcp).await);
    }
    for id in &ids {
        assert_eq!(mcp.wait_for_end(id, SCAN_TIMEOUT).await["status"], "completed");
    }
    server.kill();
    home.write("scanhost.yaml", &format!("store: {}\nlimits: {{poll_seconds: 0.2}}\n", redis.url()));
    let server = home.start();
    let mcp = server.mcp();
    let (before, harm_before) = (reports(&home), harm(&quick));
    assert_eq!(redis.command(&["FLUSHALL"]), "OK");
    let ready = wait_for_ready(&server, &mcp, |code, _| code == 503).await;
    assert!(ready["store"]["message"].as_str().is_some_and(|text| text.contains("lost its data")), "{ready}");
    let (code, message, _) = mcp.call_refused("get_scan_status", json!({ "task_id": ids[0] })).await;
    assert_eq!(code, "unavailable", "{message}");
    // A process that starts on the empty store finds the reports and doubts the store.
    let second = home.start();
    let ready = second.ready().await;
    assert_eq!(ready["trust"]["ok"], false, "{ready}");
    assert_eq!((reports(&home), harm(&quick)), (before, harm_before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flush_while_scans_run_stops_none_of_them() {
    let (redis, scanner) = (Redis::new(), FakeNessus::start(endless_scans()).await);
    let home = home(&redis, &scanner, "");
    let server = home.start();
    let mcp = server.mcp();
    submit(&mcp).await;
    submit(&mcp).await;
    wait_for_launches(&scanner, 2).await;
    assert_eq!(redis.command(&["FLUSHALL"]), "OK");
    wait_for_ready(&server, &mcp, |code, _| code == 503).await;
    server.kill();
    let _server = home.start();
    let mut list = home.command(&["orphans", "list", "--json"]);
    list.arg("--config").arg(home.config());
    let listed: Value = serde_json::from_str(&Output::run(list).stdout).expect("JSON");
    assert_eq!(listed["orphans"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(harm(&scanner), [0, 0, 0]);
    assert!(scanner.scans().iter().all(|scan| scan.status == "running"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_prefix_of_keys_touches_no_scan_of_the_old_one() {
    const RETENTION: &str = "retention: {failed_days: 0.0001}\n";
    let (redis, scanner) = (Redis::new(), FakeNessus::start(endless_scans()).await);
    let home = home(&redis, &scanner, "");
    let server = home.start();
    submit(&server.mcp()).await;
    wait_for_launches(&scanner, 1).await;
    server.kill();
    let other = format!("store: {}\nkey_prefix: \"other:\"\nlimits: {{poll_seconds: 0.2}}\n{RETENTION}", redis.url());
    home.write("scanhost.yaml", &other);
    let server = home.start();
    let mcp = server.mcp();
    let doubted = async {
        while readiness(&server, &mcp).await.1["trust"]["ok"] == true {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SCAN_TIMEOUT, doubted).await.expect("the store is doubted");
    assert_eq!(harm(&scanner), [0, 0, 0]);
    assert!(scanner.scans().iter().all(|scan| scan.status == "running"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_may_lose_scans_is_a_warning_or_refused() {
    let (redis, scanner) = (Redis::new(), FakeNessus::start(endless_scans()).await);
    let home = home(&redis, &scanner, "");
    let server = home.start();
    let mcp = server.mcp();
    assert_eq!(readiness(&server, &mcp).await.1["store"]["risks"], Value::Null);
    assert_eq!(redis.command(&["CONFIG", "SET", "appendonly", "no"]), "OK");
    let ready = wait_for_ready(&server, &mcp, |_, ready| ready["store"]["risks"].is_array()).await;
    assert_eq!(ready["status"], "degraded", "{ready}");
    assert!(ready["store"]["risks"][0].as_str().is_some_and(|risk| risk.contains("appendonly yes")), "{ready}");
    let strict = format!("store: {}\nredis: {{require_persistence: true}}\n", redis.url());
    home.write("scanhost.yaml", &strict);
    let log = Server::try_start(home.serve_command()).map(drop).expect_err("the start is refused");
    assert!(log.contains("redis.require_persistence") && log.contains("appendonly yes"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_with_a_wrong_clock_deletes_nothing_and_ends_nothing() {
    const EIGHT_DAYS: &str = "691200";
    let redis = Redis::new();
    let scanner = FakeNessus::start(endless_scans()).await;
    let home = home(&redis, &scanner, "retention: {completed_days: 7}\n");
    let server = home.start();
    let mcp = server.mcp();
    let cancelled = submit(&mcp).await;
    wait_for_launches(&scanner, 1).await;
    mcp.call_ok("cancel_scan", json!({ "task_id": cancelled })).await;
    mcp.wait_for_end(&cancelled, SCAN_TIMEOUT).await;
    let running = submit(&mcp).await;
    wait_for_launches(&scanner, 2).await;
    // The worker that drives the scan is lost, so that the one with the wrong clock takes it over.
    server.kill();
    let stops = scanner.records().received.count(Operation::Stop);
    let mut command = home.serve_command();
    command.env("SCANHOST_CLOCK_WRONG_BY", EIGHT_DAYS).env("SCANHOST_HASTE", "20");
    let wrong = Server::start(command);
    let mcp = wrong.mcp();
    let ready = wait_for_ready(&wrong, &mcp, |_, ready| ready["clock"]["ok"] == false).await;
    assert_eq!(ready["status"], "degraded", "{ready}");
    assert!(ready["clock"]["message"].as_str().is_some_and(|text| text.contains("synchronise")), "{ready}");
    let taken_over = async {
        loop {
            let status = mcp.call_ok("get_scan_status", json!({ "task_id": running })).await;
            assert_eq!(status["status"], "running", "{status}");
            if status["attempts"].as_u64() > Some(1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SCAN_TIMEOUT, taken_over).await.expect("the scan is taken over");
    let status = mcp.call_ok("get_scan_status", json!({ "task_id": cancelled })).await;
    assert_eq!(status["status"], "cancelled", "nothing expired: {status}");
    assert_eq!(scanner.records().received.count(Operation::Stop), stops);
}
