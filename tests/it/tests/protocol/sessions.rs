//! Sessions of the older era over the end of a process, and clients of both eras that wait through it.

use std::{sync::Arc, time::Duration};

use scanhost_it::{
    mcp::Mcp,
    raw::submit,
    redis::Redis,
    server::{Home, Server},
    session::Session,
    stream::Events,
};
use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{Desk, SCANNERS};

/// How long clients go on asking.
const BOUND: Duration = Duration::from_secs(90);

#[tokio::test]
async fn the_next_process_goes_on_with_a_session() {
    let desk = Desk::new();
    let session = Session::open(&desk.mcp, desk.server.url(), json!({})).await;
    let ended = Session::open(&desk.mcp, desk.server.url(), json!({})).await;
    assert_eq!(ended.end().await, 202);
    let desk = desk.killed();
    let (session, ended) = (session.at(desk.server.url()), ended.at(desk.server.url()));
    let call = json!({ "name": "list_pools", "arguments": {} });
    let answer = session.method(1, "tools/call", call.clone()).await.expect("an answer");
    assert_eq!(answer["structuredContent"]["default_pool"], "mock", "{answer}");
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
    assert_eq!(ended.send(&call).await, 404, "what its client ended is over");
}

#[tokio::test]
async fn a_session_is_unknown_to_every_token_but_the_one_that_began_it() {
    let tokens = "tokens:\n- {name: one, scopes: [scan:read], token: token-of-one}\n\
        - {name: other, scopes: [scan:read, scan:submit], token: token-of-other}\n";
    let desk = Desk::with(tokens);
    let session = Session::open(&desk.mcp.clone().with_token("token-of-one"), desk.server.url(), json!({})).await;
    check_owned(&session).await;
    let desk = desk.killed();
    check_owned(&session.at(desk.server.url())).await;
}

async fn check_owned(session: &Session) {
    let strangers = [
        session.with_token("token-of-other"),
        session.renamed(|id| id.split('.').next().expect("an id").to_owned()),
        session.renamed(|id| id.to_uppercase()),
        session.renamed(|_| "unknown".to_owned()),
    ];
    let listed = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for stranger in strangers {
        assert_eq!(stranger.send(&listed).await, 404);
        assert_eq!(stranger.listen().send().await.expect("an answer").status(), 404);
        // Whoever ends what is unknown has what was wanted; the session goes on.
        assert_eq!(stranger.end().await, 202);
    }
    session.method(2, "tools/list", json!({})).await.expect("its owner goes on");
}

#[tokio::test]
async fn every_process_on_one_store_goes_on_with_a_session() {
    let redis = Redis::new();
    let settings = format!("store: {}\nlimits: {{poll_seconds: 0.1}}\n", redis.url());
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &settings)]);
    let apis = ["api", "all"].map(|role| {
        let mut command = home.serving();
        command.args(["--role", role]);
        Server::start(command)
    });
    let mcp = apis[0].mcp();
    let session = Session::open(&mcp, apis[0].url(), json!({})).await;
    let waiting = submit(&mcp, json!({ "scanner_pool": "slow" })).await;
    let uri = format!("scan://{waiting}");
    session.method(1, "resources/subscribe", json!({ "uri": uri })).await.expect("subscribed");
    let elsewhere = session.at(apis[1].url());
    let read = elsewhere.method(2, "resources/read", json!({ "uri": uri })).await.expect("the other one answers");
    assert!(read["contents"][0]["text"].as_str().is_some_and(|text| text.contains(&waiting)), "{read}");
    let mut told = Events::open(elsewhere.listen()).await;
    mcp.ok("cancel_scan", json!({ "task_id": waiting })).await;
    told.until(|message| message["method"] == "notifications/resources/updated").await;
}

/// A client that waits for a scan, whatever happens to the server, and reads its findings.
async fn wait_through(client: Client, task_id: String) -> usize {
    let mut ids = 1..;
    loop {
        let wait = json!({ "task_id": task_id, "timeout_seconds": 50 });
        let result = client.call_through(&mut ids, "wait_for_scan", wait).await;
        if result["structuredContent"]["status"] == "completed" {
            break;
        }
        assert!(result["isError"] != true, "{result}");
    }
    let asked = json!({ "task_id": task_id, "page": 0, "schema_profile": "minimal" });
    let result = client.call_through(&mut ids, "get_scan_results", asked).await;
    let lines = result["content"][0]["text"].as_str().expect("text").lines();
    lines.filter(|line| line.contains("\"vulnerability\"")).count()
}

#[derive(Clone)]
enum Client {
    Stateless(Mcp),
    Session(Session),
}

impl Client {
    /// Calls again for as long as the server is gone, within a bound.
    async fn call_through(&self, ids: &mut impl Iterator<Item = u32>, tool: &str, arguments: Value) -> Value {
        let begin = tokio::time::Instant::now();
        for id in ids {
            if let Some(result) = self.try_call(id, tool, arguments.clone()).await {
                return result;
            }
            assert!(begin.elapsed() < BOUND, "{tool} is not answered");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        unreachable!("there is always another id")
    }

    /// None when the connection breaks.
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
async fn fifty_clients_wait_through_a_restart_and_get_their_results() {
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
            wait_through(client, id).await
        });
    }
    connected.wait().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill();
    let server = home.start_at(&address);
    let found = clients.join_all().await;
    assert_eq!(found, [5; CLIENTS], "each got all of its findings");
    assert!(server.mcp().tools().await.len() > 10);
}

/// Room for all of them at once.
const MANY: &str = "
many: [{instance_id: n1, backend: mock, max_concurrent_scans: 60, \
        options: {duration_seconds: 4, hosts: 1, findings_per_host: 5}}]
";
