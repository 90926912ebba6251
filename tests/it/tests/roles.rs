//! Several processes on one Redis and one data folder, each with its part of the work.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use scanhost_it::{
    mcp::{Mcp, Reply},
    output::Output,
    raw::{submit, until},
    redis::Redis,
    server::{Home, Server},
};
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(60);
const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

fn home(redis: &Redis) -> Home {
    let server = format!("store: {}\nlimits: {{poll_seconds: 0.1}}\n", redis.url());
    Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &server)])
}

fn start(home: &Home, role: &str) -> Server {
    start_at(home, role, "127.0.0.1:0")
}

fn start_at(home: &Home, role: &str, address: &str) -> Server {
    let mut command = home.command(&["serve", "--listen", address, "--role", role, "--config"]);
    command.arg(home.config());
    Server::start(command)
}

/// What a command prints that has to end so.
fn ended(home: &Home, arguments: &[&str], code: i32) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config());
    let output = Output::of(command);
    assert_eq!(output.code, Some(code), "{arguments:?}: {}", output.stderr);
    output
}

async fn fetch(server: &Server, path: &str) -> (u16, Value) {
    let answer = server.mcp().http().get(format!("{}{path}", server.url())).send().await.expect("the server answers");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("text")).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apis_take_scans_and_workers_run_them() {
    let redis = Redis::new();
    let home = home(&redis);
    let apis = [start(&home, "api"), start(&home, "api")];
    let first = submit(&apis[0].mcp(), json!({ "idempotency_key": "k" })).await;
    let again = submit(&apis[1].mcp(), json!({ "idempotency_key": "k" })).await;
    assert_eq!(first, again, "one key on two apis");
    let second = submit(&apis[1].mcp(), json!({})).await;
    assert_eq!(redis.ask(&["LLEN", "mock:queue"]), "2", "an api claims nothing");
    let scanners = apis[0].mcp().ok("list_scanners", json!({})).await;
    assert_eq!(scanners["scanners"][0]["up"], false, "nobody has looked at it");

    let workers = [start(&home, "worker"), start(&home, "worker")];
    for (id, api) in [(&first, &apis[1]), (&second, &apis[0])] {
        let status = api.mcp().ended(id, BOUND).await;
        assert_eq!(status["status"], "completed", "{status}");
        let lines = api.mcp().results(json!({ "task_id": id, "page": 0 })).await;
        assert!(lines.len() > 2, "the findings are in the folder that all share");
    }
    let scanners = apis[1].mcp().ok("list_scanners", json!({})).await;
    assert_eq!(scanners["scanners"][0]["up"], true, "{scanners}");
    for worker in &workers {
        assert_eq!(fetch(worker, "/health").await.0, 200);
        let (code, ready) = fetch(worker, "/ready").await;
        assert_eq!((code, &ready["status"]), (200, &json!("ready")), "{ready}");
        assert_eq!(fetch(worker, "/mcp").await.0, 404, "a worker serves no MCP");
    }
}

/// Ends a process in good order and puts another one in its place.
async fn replace(home: &Home, role: &str, server: &mut Server) {
    let address = server.url().strip_prefix("http://").expect("an address").to_owned();
    server.signal("TERM");
    while !server.has_ended() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    *server = start_at(home, role, &address);
}

/// A call that goes to the next api when one cannot be reached. Nothing else may go wrong with it.
async fn call_one_of(apis: &[Mcp], tool: &str, arguments: &Value) -> Reply {
    for api in apis.iter().cycle().take(200) {
        match api.try_call(tool, arguments.clone()).await {
            Ok(reply) => return reply,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("no api could be reached for ten seconds");
}

/// Submits a scan and follows it to its end, again and again. The ids.
async fn follow_scans(apis: Vec<Mcp>, agent: usize, go_on: Arc<AtomicBool>) -> Vec<String> {
    let mut ids = Vec::new();
    while go_on.load(Ordering::Relaxed) {
        let key = format!("{agent}-{}", ids.len());
        let request = json!({ "targets": "10.0.0.1", "name": key, "idempotency_key": key });
        let submitted = call_one_of(&apis, "run_untrusted_scan", &request).await;
        assert!(!submitted.is_error, "{}", submitted.text);
        let id = submitted.structured["task_id"].as_str().expect("an id").to_owned();
        loop {
            let status = call_one_of(&apis, "get_scan_status", &json!({ "task_id": id })).await;
            assert!(!status.is_error, "{}", status.text);
            match status.structured["status"].as_str() {
                Some("completed") => break,
                Some("queued" | "running") => tokio::time::sleep(Duration::from_millis(20)).await,
                _ => panic!("{}", status.text),
            }
        }
        ids.push(id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_call_that_is_tried_again() {
    let redis = Redis::new();
    let home = home(&redis);
    let mut apis = [start(&home, "api"), start(&home, "api")];
    let mut workers = [start(&home, "worker"), start(&home, "worker")];
    let go_on = Arc::new(AtomicBool::new(true));
    let mut agents = tokio::task::JoinSet::new();
    for agent in 0..8 {
        let mut known: Vec<Mcp> = apis.iter().map(Server::mcp).collect();
        known.rotate_left(agent % 2);
        agents.spawn(follow_scans(known, agent, go_on.clone()));
    }
    for (role, servers) in [("api", &mut apis), ("worker", &mut workers)] {
        for server in servers {
            replace(&home, role, server).await;
        }
    }
    go_on.store(false, Ordering::Relaxed);
    let ids = agents.join_all().await.concat();
    assert!(ids.len() > 8, "the agents went on meanwhile: {}", ids.len());
    assert_eq!(redis.ask(&["KEYS", "lease:*"]), "", "leases are left");
    let failed = ended(&home, &["dlq", "list", "--json"], 0);
    assert_eq!(failed.stdout.trim(), "[]");
}

#[tokio::test]
async fn commands_work_on_the_store_beside_any_number_of_processes() {
    let redis = Redis::new();
    let home = home(&redis);
    let _others = [start(&home, "api"), start(&home, "worker")];
    ended(&home, &["queue", "pause", "mock"], 0);
    let api = start(&home, "api");
    let id = submit(&api.mcp(), json!({})).await;
    let queue = ended(&home, &["queue", "--json"], 0);
    let queue: Value = serde_json::from_str(&queue.stdout).expect("JSON");
    assert_eq!((&queue[0]["waiting"], &queue[0]["paused"]), (&json!(1), &json!(true)), "{queue}");
    ended(&home, &["queue", "resume", "mock"], 0);
    until(&api.mcp(), &id, "completed").await;
    let scan = ended(&home, &["scan", "--targets", "127.0.0.1", "--format", "jsonl"], 0);
    assert!(scan.stdout.contains("\"vulnerability\""), "{}", scan.stderr);
    let listed = ended(&home, &["scans", "--json"], 0);
    assert!(listed.stdout.contains(&id), "{}", listed.stdout);
}

#[tokio::test]
async fn a_damaged_record_stops_nobody_and_is_told_of_once() {
    let redis = Redis::new();
    let home = home(&redis);
    let server = start(&home, "all");
    let mcp = server.mcp();
    ended(&home, &["queue", "pause", "mock"], 0);
    let (damaged, whole) = (submit(&mcp, json!({})).await, submit(&mcp, json!({})).await);
    assert_eq!(redis.ask(&["HSET", &format!("scan:{damaged}"), "record", "{"]), "0", "there was one");
    ended(&home, &["queue", "resume", "mock"], 0);
    until(&mcp, &whole, "completed").await;
    for _ in 0..3 {
        let listed = mcp.ok("list_scans", json!({})).await;
        assert_eq!(listed["scans"].as_array().map(Vec::len), Some(1), "{listed}");
        let next = submit(&mcp, json!({})).await;
        until(&mcp, &next, "completed").await;
        mcp.ok("delete_scan", json!({ "task_id": next })).await;
    }
    let (code, message, hint) = mcp.refused("get_scan_status", json!({ "task_id": damaged })).await;
    assert_eq!(code, "internal", "{message}");
    assert!(message.contains("damaged") && hint.contains("operator"), "{message} {hint}");
    assert_eq!(redis.ask(&["LRANGE", "mock:queue", "0", "-1"]), damaged, "it is left alone");
    let log = server.log();
    let told = log.lines().filter(|line| line.contains("leaving it alone") && line.contains(&damaged));
    assert_eq!(told.count(), 1, "{log}");
}

#[tokio::test]
async fn a_process_on_another_folder_does_not_start() {
    let redis = Redis::new();
    let first = home(&redis);
    drop(start(&first, "api"));
    let other = home(&redis);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--role", "worker"];
    let refused = ended(&other, &arguments, 1);
    let folder = other.data().canonicalize().expect("it exists");
    for part in [&folder.display().to_string(), "`data`", "key installation in Redis"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(redis.ask(&["DEL", "installation", "key"]), "2");
    drop(start(&other, "api"));
    ended(&first, &arguments, 1);
    fs::write(mark_of(&other.data()), "not an id").expect("a file can be written");
    assert!(ended(&other, &arguments, 1).stderr.contains("16 hexadecimal digits"));
}

fn mark_of(data: &Path) -> std::path::PathBuf {
    data.join("installation")
}

#[test]
fn parts_of_the_work_need_a_store_that_is_shared() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    for role in ["api", "worker"] {
        let refused = ended(&home, &["serve", "--listen", "127.0.0.1:0", "--role", role], 1);
        for part in [format!("--role {role}").as_str(), "store: redis://"] {
            assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
        }
    }
    assert!(ended(&home, &["stdio", "--role", "worker"], 1).stderr.contains("does not serve MCP"));
    ended(&home, &["serve", "--role", "boss"], 2);
}
