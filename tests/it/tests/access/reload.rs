//! Tokens and limits that change in the configuration while the server runs, as its clients see them.

use std::time::{Duration, Instant};

use scanhost_it::{
    event_stream::EventStream,
    http_response::HttpResponse,
    scans::scan_arguments,
    server::{Home, Server},
    session::Session,
};
use serde_json::{Value, json};

const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 600}}]";

/// The longest time until a changed configuration is in effect, on a busy machine.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// A token that all configurations here have, with which a test reads `/ready`.
const OPERATOR: &str = "token-of-the-operator";

fn tokens(more: &str) -> String {
    format!("tokens:\n- {{name: operator, scopes: ['scan:read'], token: {OPERATOR}}}\n{more}")
}

struct TestHost {
    home: Home,
    server: Server,
}

impl TestHost {
    fn start(yaml: &str) -> Self {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", yaml)]);
        let server = home.start();
        Self { home, server }
    }

    /// Writes the configuration, waits until the server has reloaded it, and returns `last_reload` of `/ready`.
    async fn reload(&self, yaml: &str) -> Value {
        let before = self.last_reload().await["count"].clone();
        self.home.write("scanhost.yaml", yaml);
        let start = Instant::now();
        loop {
            let last = self.last_reload().await;
            if last["count"] != before {
                return last;
            }
            assert!(
                start.elapsed() < RELOAD_TIMEOUT,
                "the configuration was not reloaded: {last}\n{}",
                self.server.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn last_reload(&self) -> Value {
        let ready = self.server.mcp().http().get(format!("{}/ready", self.server.url())).bearer_auth(OPERATOR);
        let ready: Value = serde_json::from_str(&HttpResponse::to(ready).await.body).expect("JSON");
        ready["last_reload"].clone()
    }

    /// The HTTP code of a request with this token, or without any token.
    async fn code(&self, token: Option<&str>) -> u16 {
        let mcp = token.into_iter().fold(self.server.mcp(), |mcp, token| mcp.with_token(token));
        HttpResponse::to(mcp.request("tools/list", json!({}))).await.code
    }

    async fn lists_tool(&self, token: &str, tool: &str) -> bool {
        self.server.mcp().with_token(token).list_tools().await.iter().any(|listed| listed["name"] == tool)
    }
}

#[tokio::test]
async fn reload_adds_removes_and_changes_tokens() {
    let host = TestHost::start(&tokens("- {name: agent, scopes: ['scan:read'], token: token-of-the-agent}\n"));
    assert_eq!(host.code(Some("token-of-the-agent")).await, 200);
    assert!(!host.lists_tool("token-of-the-agent", "run_untrusted_scan").await);

    let wider = tokens("- {name: agent, scopes: ['scan:read', 'scan:submit'], token: token-of-the-agent}\n");
    assert_eq!(host.reload(&wider).await["outcome"], "ok");
    assert!(host.lists_tool("token-of-the-agent", "run_untrusted_scan").await);

    let other = tokens("- {name: agent, scopes: ['scan:read', 'scan:submit'], token: another-token}\n");
    assert_eq!(host.reload(&other).await["outcome"], "ok");
    assert_eq!(host.code(Some("token-of-the-agent")).await, 401, "the old token was replaced");
    assert_eq!(host.code(Some("another-token")).await, 200);

    assert_eq!(host.reload(&tokens("")).await["outcome"], "ok");
    assert_eq!(host.code(Some("another-token")).await, 401, "the token was removed");
    assert_eq!(host.code(None).await, 401);
}

#[tokio::test]
async fn streams_of_a_removed_token_end() {
    let host = TestHost::start(&tokens("- {name: agent, scopes: ['scan:read'], token: token-of-the-agent}\n"));
    let wanted = || json!({ "notifications": { "toolsListChanged": true } });
    let listen = |token: &str| host.server.mcp().with_token(token).request("subscriptions/listen", wanted());
    let mut streams = Vec::new();
    for token in ["token-of-the-agent", OPERATOR] {
        let mut stream = EventStream::open(listen(token)).await;
        assert!(stream.next().await.is_some(), "an acknowledgement");
        streams.push(stream);
    }
    // The token that stays gets a wider scope, and its stream reports that its list of tools has changed.
    let wider = tokens("").replace("'scan:read'", "'scan:read', 'scan:submit'");
    assert_eq!(host.reload(&wider).await["outcome"], "ok");
    let [removed, kept] = &mut streams[..] else { unreachable!("two were opened") };
    assert_eq!(removed.next().await, None, "the stream of a removed token ends");
    let message = kept.next().await.expect("the other stream goes on");
    assert_eq!(message["method"], "notifications/tools/list_changed", "{message}");
}

#[tokio::test]
async fn reload_without_tokens_fails_beyond_loopback() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &tokens(""))]);
    let server = home.start_at("0.0.0.0:0");
    let host = TestHost { home, server };
    for no_tokens in ["", "tokens: []\n"] {
        let reload = host.reload(no_tokens).await;
        assert_eq!(reload["outcome"], "failed", "{reload}");
        let problem = reload["problems"][0]["message"].as_str().expect("a message");
        assert!(problem.contains("beyond loopback") && problem.contains("tokens"), "{problem}");
        assert_eq!(host.code(None).await, 401);
        assert_eq!(host.code(Some(OPERATOR)).await, 200);
    }
}

#[tokio::test]
async fn reload_changes_calls_per_minute() {
    let host = TestHost::start(&tokens("limits: {calls_per_minute: 40}\n"));
    let mcp = host.server.mcp().with_token(OPERATOR);
    let refused = async || mcp.call("list_pools", json!({})).await.is_error;
    assert_eq!(host.reload(&tokens("limits: {calls_per_minute: 2}\n")).await["outcome"], "ok");
    for call in 0..2 {
        assert!(!refused().await, "call {call}");
    }
    assert!(refused().await, "the third call");
    assert_eq!(host.reload(&tokens("limits: {calls_per_minute: 1000}\n")).await["outcome"], "ok");
    assert!(!refused().await, "the limit was raised");
}

#[tokio::test]
async fn reload_changes_the_connection_limit() {
    let host = TestHost::start(&tokens("limits: {connections: 1}\n"));
    let health = async || {
        // Each client has a connection of its own, which stays open until the client is dropped.
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(format!("{}/health", host.server.url())).send().await;
        (answer.map(|answer| answer.status().as_u16()).unwrap_or_default(), client)
    };
    let (first, _open) = health().await;
    assert_eq!(first, 200);
    assert_ne!(health().await.0, 200, "the second connection is over the limit");
    host.home.write("scanhost.yaml", &tokens("limits: {connections: 100}\n"));
    let start = Instant::now();
    while health().await.0 != 200 {
        assert!(start.elapsed() < RELOAD_TIMEOUT, "{}", host.server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn running_calls_and_sessions_survive_a_reload() {
    let host = TestHost::start("");
    let session = Session::open(&host.server.mcp(), host.server.url(), json!({})).await;
    let mcp = host.server.mcp();
    let id = mcp.call_ok("run_untrusted_scan", scan_arguments(json!({}))).await["task_id"].clone();
    let waiting = mcp.call_ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 3 }));
    let (status, reload) = tokio::join!(waiting, host.reload("limits: {poll_seconds: 0.3}\n"));
    assert_eq!((&status["task_id"], &reload["outcome"]), (&id, &json!("ok")), "{reload}");
    assert!(session.call_method(2, "tools/list", json!({})).await.is_ok());
}
