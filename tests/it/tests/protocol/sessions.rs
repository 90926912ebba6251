//! Sessions of protocol 2025-11-25 that outlive a server process, and clients of both versions that wait through a
//! restart.

use std::{sync::Arc, time::Duration};

use scanhost_it::{
    event_stream::EventStream,
    mcp::McpClient,
    redis::Redis,
    scans::submit,
    server::{Home, Server},
    session::Session,
};
use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{SCANNERS, TestHost};

/// The longest time for which a client repeats a call.
const TIMEOUT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn session_survives_a_restart() {
    let host = TestHost::start();
    let session = Session::open(&host.mcp, host.server.url(), json!({})).await;
    let ended = Session::open(&host.mcp, host.server.url(), json!({})).await;
    assert_eq!(ended.end().await, 202);
    let host = host.kill_and_restart();
    let (session, ended) = (session.at_server(host.server.url()), ended.at_server(host.server.url()));
    let call = json!({ "name": "list_pools", "arguments": {} });
    let answer = session.call_method(1, "tools/call", call.clone()).await.expect("an answer");
    assert_eq!(answer["structuredContent"]["default_pool"], "mock", "{answer}");
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
    assert_eq!(ended.send(&call).await, 404, "an ended session is unknown");
}

#[tokio::test]
async fn session_is_unknown_to_other_tokens() {
    let tokens = "tokens:\n- {name: one, scopes: [scan:read], token: token-of-one}\n\
        - {name: other, scopes: [scan:read, scan:submit], token: token-of-other}\n";
    let host = TestHost::with_settings(tokens);
    let session = Session::open(&host.mcp.clone().with_token("token-of-one"), host.server.url(), json!({})).await;
    check_owned(&session).await;
    let host = host.kill_and_restart();
    check_owned(&session.at_server(host.server.url())).await;
}

async fn check_owned(session: &Session) {
    let foreign_sessions = [
        session.with_token("token-of-other"),
        session.with_changed_id(|id| id.split('.').next().expect("an id").to_owned()),
        session.with_changed_id(|id| id.to_uppercase()),
        session.with_changed_id(|_| "unknown".to_owned()),
    ];
    let listed = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for foreign in foreign_sessions {
        assert_eq!(foreign.send(&listed).await, 404);
        assert_eq!(foreign.listen().send().await.expect("an answer").status(), 404);
        // Ending an unknown session succeeds, and does not end the real one.
        assert_eq!(foreign.end().await, 202);
    }
    session.call_method(2, "tools/list", json!({})).await.expect("the owner can still use the session");
}

#[tokio::test]
async fn session_is_valid_for_every_process_of_a_store() {
    let redis = Redis::new();
    let settings = format!("store: {}\nlimits: {{poll_seconds: 0.1}}\n", redis.url());
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &settings)]);
    let apis = ["api", "all"].map(|role| {
        let mut command = home.serve_command();
        command.args(["--role", role]);
        Server::start(command)
    });
    let mcp = apis[0].mcp();
    let session = Session::open(&mcp, apis[0].url(), json!({})).await;
    let waiting = submit(&mcp, json!({ "scanner_pool": "slow" })).await;
    let uri = format!("scan://{waiting}");
    session.call_method(1, "resources/subscribe", json!({ "uri": uri })).await.expect("subscribed");
    let elsewhere = session.at_server(apis[1].url());
    let read =
        elsewhere.call_method(2, "resources/read", json!({ "uri": uri })).await.expect("the other server answers");
    assert!(read["contents"][0]["text"].as_str().is_some_and(|text| text.contains(&waiting)), "{read}");
    let mut events = EventStream::open(elsewhere.listen()).await;
    mcp.call_ok("cancel_scan", json!({ "task_id": waiting })).await;
    events.wait_for(|message| message["method"] == "notifications/resources/updated").await;
}

/// Waits for a scan through restarts of the server, and returns the number of its findings.
async fn wait_through_restart(client: Client, task_id: String) -> usize {
    let mut ids = 1..;
    loop {
        let wait = json!({ "task_id": task_id, "timeout_seconds": 50 });
        let result = client.call_until_answered(&mut ids, "wait_for_scan", wait).await;
        if result["structuredContent"]["status"] == "completed" {
            break;
        }
        assert!(result["isError"] != true, "{result}");
    }
    let arguments = json!({ "task_id": task_id, "page": 0, "schema_profile": "minimal" });
    let result = client.call_until_answered(&mut ids, "get_scan_results", arguments).await;
    let lines = result["content"][0]["text"].as_str().expect("text").lines();
    lines.filter(|line| line.contains("\"vulnerability\"")).count()
}

#[derive(Clone)]
enum Client {
    Stateless(McpClient),
    Session(Session),
}

impl Client {
    /// Repeats the call until the server answers.
    async fn call_until_answered(&self, ids: &mut impl Iterator<Item = u32>, tool: &str, arguments: Value) -> Value {
        let start = tokio::time::Instant::now();
        for id in ids {
            if let Some(result) = self.try_call(id, tool, arguments.clone()).await {
                return result;
            }
            assert!(start.elapsed() < TIMEOUT, "{tool} is not answered");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        unreachable!("there is always another id")
    }

    /// Makes the call, and returns `None` if the connection breaks.
    async fn try_call(&self, id: u32, tool: &str, arguments: Value) -> Option<Value> {
        let params = json!({ "name": tool, "arguments": arguments });
        let request = match self {
            Self::Stateless(mcp) => mcp.request("tools/call", params),
            Self::Session(session) => {
                session.post(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }))
            }
        };
        let body = request.send().await.ok()?.text().await.ok()?;
        let messages = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        messages
            .filter_map(|text| serde_json::from_str::<Value>(text).ok())
            .find_map(|message| message.get("result").cloned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_wait_through_a_restart_and_get_their_findings() {
    const CLIENTS: usize = 50;
    let scanners = SCANNERS.replace("duration_seconds: 1.5", "duration_seconds: 4") + MANY;
    let home = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n")]);
    let server = home.start();
    let (mcp, address) = (server.mcp(), server.url().strip_prefix("http://").expect("an address").to_owned());
    let connected = Arc::new(Barrier::new(CLIENTS + 1));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let id = submit(&mcp, json!({ "scanner_pool": "many", "name": format!("client {number}") })).await;
        let client = if number % 2 == 0 {
            Client::Stateless(mcp.clone())
        } else {
            Client::Session(Session::open(&mcp, server.url(), json!({})).await)
        };
        let connected = connected.clone();
        clients.spawn(async move {
            connected.wait().await;
            wait_through_restart(client, id).await
        });
    }
    connected.wait().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill();
    let server = home.start_at(&address);
    let counts = clients.join_all().await;
    assert_eq!(counts, [5; CLIENTS], "each client gets all findings");
    assert!(server.mcp().list_tools().await.len() > 10);
}

/// A scanner that runs all these scans at once.
const MANY: &str = "
many: [{instance_id: n1, backend: mock, max_concurrent_scans: 60, \
        options: {duration_seconds: 4, hosts: 1, findings_per_host: 5}}]
";
