//! Several processes with different roles on one Redis and one data folder.

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
    delaying_proxy::DelayingProxy,
    mcp::{McpClient, ToolReply},
    output::Output,
    redis::Redis,
    scans::{submit, wait_for_status},
    server::{Home, Server},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const SCAN_TIMEOUT: Duration = Duration::from_secs(60);
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

/// Runs a command, which has to end with this exit code, and returns its output.
fn run_command(home: &Home, arguments: &[&str], code: i32) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config());
    let output = Output::run(command);
    assert_eq!(output.code, Some(code), "{arguments:?}: {}", output.stderr);
    output
}

async fn fetch(server: &Server, path: &str) -> (u16, Value) {
    let answer = server.mcp().http().get(format!("{}{path}", server.url())).send().await.expect("the server answers");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("text")).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apis_accept_scans_and_workers_run_them() {
    let redis = Redis::new();
    let home = home(&redis);
    let apis = [start(&home, "api"), start(&home, "api")];
    let first = submit(&apis[0].mcp(), json!({ "idempotency_key": "k" })).await;
    let again = submit(&apis[1].mcp(), json!({ "idempotency_key": "k" })).await;
    assert_eq!(first, again, "one key on two apis is one scan");
    let second = submit(&apis[1].mcp(), json!({})).await;
    assert_eq!(redis.command(&["LLEN", "mock:queue"]), "2", "an api claims nothing");
    let scanners = apis[0].mcp().call_ok("list_scanners", json!({})).await;
    assert_eq!(scanners["scanners"][0]["up"], json!(null), "no worker has checked the scanner yet");

    let workers = [start(&home, "worker"), start(&home, "worker")];
    for (id, api) in [(&first, &apis[1]), (&second, &apis[0])] {
        let status = api.mcp().wait_for_end(id, SCAN_TIMEOUT).await;
        assert_eq!(status["status"], "completed", "{status}");
        let lines = api.mcp().results(json!({ "task_id": id, "page": 0 })).await;
        assert!(lines.len() > 2, "the findings are in the shared folder");
    }
    let scanners = apis[1].mcp().call_ok("list_scanners", json!({})).await;
    assert_eq!(scanners["scanners"][0]["up"], true, "{scanners}");
    for worker in &workers {
        assert_eq!(fetch(worker, "/health").await.0, 200);
        let (code, ready) = fetch(worker, "/ready").await;
        assert_eq!((code, &ready["status"]), (200, &json!("ready")), "{ready}");
        assert_eq!(fetch(worker, "/mcp").await.0, 404, "a worker serves no MCP");
    }
}

/// Shuts a process down, and starts another one at its address.
async fn restart_server(home: &Home, role: &str, server: &mut Server) {
    let address = server.url().strip_prefix("http://").expect("an address").to_owned();
    server.send_signal("TERM");
    while !server.has_exited() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    *server = start_at(home, role, &address);
}

/// Calls a tool of the first api that can be reached.
async fn call_any_api(apis: &[McpClient], tool: &str, arguments: &Value) -> ToolReply {
    for api in apis.iter().cycle().take(200) {
        match api.try_call(tool, arguments.clone()).await {
            Ok(reply) => return reply,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("no api could be reached for ten seconds");
}

/// Runs one scan after another while `is_running` is set, and returns their task ids.
async fn run_scans(apis: Vec<McpClient>, agent: usize, is_running: Arc<AtomicBool>) -> Vec<String> {
    let mut ids = Vec::new();
    while is_running.load(Ordering::Relaxed) {
        let key = format!("{agent}-{}", ids.len());
        let request = json!({ "targets": "10.0.0.1", "name": key, "idempotency_key": key });
        let submitted = call_any_api(&apis, "run_untrusted_scan", &request).await;
        assert!(!submitted.is_error, "{}", submitted.text);
        let id = submitted.structured["task_id"].as_str().expect("an id").to_owned();
        loop {
            let status = call_any_api(&apis, "get_scan_status", &json!({ "task_id": id })).await;
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
async fn rolling_restart_fails_no_retried_call() {
    let redis = Redis::new();
    let home = home(&redis);
    let mut apis = [start(&home, "api"), start(&home, "api")];
    let mut workers = [start(&home, "worker"), start(&home, "worker")];
    let is_running = Arc::new(AtomicBool::new(true));
    let mut agents = tokio::task::JoinSet::new();
    for agent in 0..8 {
        let mut known: Vec<McpClient> = apis.iter().map(Server::mcp).collect();
        known.rotate_left(agent % 2);
        agents.spawn(run_scans(known, agent, is_running.clone()));
    }
    for (role, servers) in [("api", &mut apis), ("worker", &mut workers)] {
        for server in servers {
            restart_server(&home, role, server).await;
        }
    }
    is_running.store(false, Ordering::Relaxed);
    let ids = agents.join_all().await.concat();
    assert!(ids.len() > 8, "the agents made scans during the restarts: {}", ids.len());
    assert_eq!(redis.command(&["KEYS", "lease:*"]), "", "leases are left");
    let dead_letters = run_command(&home, &["dlq", "list", "--json"], 0);
    assert_eq!(dead_letters.stdout.trim(), "[]");
}

#[tokio::test]
async fn admin_commands_work_on_the_store_beside_running_processes() {
    let redis = Redis::new();
    let home = home(&redis);
    let _others = [start(&home, "api"), start(&home, "worker")];
    run_command(&home, &["queue", "pause", "mock"], 0);
    let api = start(&home, "api");
    let id = submit(&api.mcp(), json!({})).await;
    let queue = run_command(&home, &["queue", "--json"], 0);
    let queue: Value = serde_json::from_str(&queue.stdout).expect("JSON");
    assert_eq!((&queue[0]["waiting"], &queue[0]["paused"]), (&json!(1), &json!(true)), "{queue}");
    run_command(&home, &["queue", "resume", "mock"], 0);
    wait_for_status(&api.mcp(), &id, "completed").await;
    let scan = run_command(&home, &["scan", "--targets", "127.0.0.1", "--format", "jsonl"], 0);
    assert!(scan.stdout.contains("\"vulnerability\""), "{}", scan.stderr);
    let listed = run_command(&home, &["scans", "--json"], 0);
    assert!(listed.stdout.contains(&id), "{}", listed.stdout);
}

#[tokio::test]
async fn damaged_record_stops_no_other_scan_and_is_logged_once() {
    let redis = Redis::new();
    let home = home(&redis);
    let server = start(&home, "all");
    let mcp = server.mcp();
    run_command(&home, &["queue", "pause", "mock"], 0);
    let (damaged, whole) = (submit(&mcp, json!({})).await, submit(&mcp, json!({})).await);
    assert_eq!(redis.command(&["HSET", &format!("scan:{damaged}"), "record", "{"]), "0", "the record existed before");
    run_command(&home, &["queue", "resume", "mock"], 0);
    wait_for_status(&mcp, &whole, "completed").await;
    for _ in 0..3 {
        let listed = mcp.call_ok("list_scans", json!({})).await;
        assert_eq!(listed["scans"].as_array().map(Vec::len), Some(1), "{listed}");
        let next = submit(&mcp, json!({})).await;
        wait_for_status(&mcp, &next, "completed").await;
        mcp.call_ok("delete_scan", json!({ "task_id": next })).await;
    }
    let (code, message, hint) = mcp.call_refused("get_scan_status", json!({ "task_id": damaged })).await;
    assert_eq!(code, "internal", "{message}");
    assert!(message.contains("damaged") && hint.contains("operator"), "{message} {hint}");
    assert_eq!(redis.command(&["LRANGE", "mock:queue", "0", "-1"]), damaged, "the damaged scan stays in the queue");
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("cannot be read and is skipped") && line.contains(&damaged));
    assert_eq!(lines.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_answer_to_a_cancel_recreates_no_deleted_scan() {
    let redis = Redis::new();
    let proxy = DelayingProxy::start(&redis.url()).await;
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", "store: ${STORE}\n")]);
    let api = |url: &str| {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--role", "api", "--config"]);
        command.arg(home.config()).env("STORE", url);
        Server::start(command)
    };
    let (late, other) = (api(proxy.url()), api(&redis.url()));
    let mcp = other.mcp();
    let (kept, deleted) = (submit(&mcp, json!({})).await, submit(&mcp, json!({})).await);
    // This call loads the script into Redis, so that the next one runs it by its digest.
    mcp.call_ok("cancel_scan", json!({ "task_id": kept })).await;

    proxy.hold_next_script();
    let (late_mcp, task) = (late.mcp(), json!({ "task_id": deleted }));
    let mut cancelling = JoinSet::new();
    cancelling.spawn(async move { late_mcp.call("cancel_scan", task).await });
    wait_for_status(&mcp, &deleted, "cancelled").await;
    mcp.call_ok("delete_scan", json!({ "task_id": deleted })).await;
    proxy.release();
    let cancelled = cancelling.join_all().await.remove(0);
    assert!(!cancelled.is_error, "{}", cancelled.text);
    let has_record = |id: &str| home.data().join("tasks").join(id).join("task.json").exists();
    assert!(has_record(&kept) && !home.data().join("tasks").join(&deleted).exists());
    assert_eq!(fs::read_dir(home.data().join("removing")).expect("a folder").count(), 0, "no removal is pending");
}

#[tokio::test]
async fn process_with_another_data_folder_does_not_start() {
    let redis = Redis::new();
    let first = home(&redis);
    drop(start(&first, "api"));
    let other = home(&redis);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--role", "worker"];
    let refused = run_command(&other, &arguments, 1);
    let folder = other.data().canonicalize().expect("the folder exists");
    for part in [&folder.display().to_string(), "`data`", "key installation in Redis"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(redis.command(&["DEL", "installation", "key"]), "2");
    drop(start(&other, "api"));
    run_command(&first, &arguments, 1);
    fs::write(installation_file(&other.data()), "not an id").expect("a file can be written");
    assert!(run_command(&other, &arguments, 1).stderr.contains("16 hexadecimal digits"));
}

fn installation_file(data: &Path) -> std::path::PathBuf {
    data.join("installation")
}

#[test]
fn separate_roles_need_a_shared_store() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    for role in ["api", "worker"] {
        let refused = run_command(&home, &["serve", "--listen", "127.0.0.1:0", "--role", role], 1);
        for part in [format!("--role {role}").as_str(), "store: redis://"] {
            assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
        }
    }
    assert!(run_command(&home, &["stdio", "--role", "worker"], 1).stderr.contains("does not serve MCP"));
    run_command(&home, &["serve", "--role", "boss"], 2);
}
