//! What callers notice of a configuration that changes while the server runs: tokens, shares, certificates, connections.

use std::time::{Duration, Instant};

use scanhost_it::{
    raw::{Answer, arguments},
    server::{Home, Server},
    session::Session,
    stream::Events,
};
use serde_json::{Value, json};

const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 600}}]";

/// Far longer than a change takes to be in effect, on a machine that does other things too.
const EFFECT: Duration = Duration::from_secs(60);

/// The token that all configurations here have, to see what becomes of the changes.
const OPERATOR: &str = "token-of-the-operator";

fn tokens(more: &str) -> String {
    format!("tokens:\n- {{name: operator, scopes: ['scan:read'], token: {OPERATOR}}}\n{more}")
}

struct Gate {
    home: Home,
    server: Server,
}

impl Gate {
    fn open(yaml: &str) -> Self {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", yaml)]);
        let server = home.start();
        Self { home, server }
    }

    /// Writes the configuration, and returns what the server says about it.
    async fn reload(&self, yaml: &str) -> Value {
        let before = self.reloads().await["count"].clone();
        self.home.write("scanhost.yaml", yaml);
        let start = Instant::now();
        loop {
            let last = self.reloads().await;
            if last["count"] != before {
                return last;
            }
            assert!(start.elapsed() < EFFECT, "waited in vain: {last}\n{}", self.server.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn reloads(&self) -> Value {
        let ready = self.server.mcp().http().get(format!("{}/ready", self.server.url())).bearer_auth(OPERATOR);
        let ready: Value = serde_json::from_str(&Answer::to(ready).await.body).expect("JSON");
        ready["last_reload"].clone()
    }

    /// The HTTP code that this token gets, or that no token gets.
    async fn code(&self, token: Option<&str>) -> u16 {
        let mcp = token.into_iter().fold(self.server.mcp(), |mcp, token| mcp.with_token(token));
        Answer::to(mcp.request("tools/list", json!({}))).await.code
    }

    async fn sees(&self, token: &str, tool: &str) -> bool {
        self.server.mcp().with_token(token).tools().await.iter().any(|listed| listed["name"] == tool)
    }
}

#[tokio::test]
async fn tokens_come_go_and_change_their_scopes() {
    let gate = Gate::open(&tokens("- {name: agent, scopes: ['scan:read'], token: token-of-the-agent}\n"));
    assert_eq!(gate.code(Some("token-of-the-agent")).await, 200);
    assert!(!gate.sees("token-of-the-agent", "run_untrusted_scan").await);

    let wider = tokens("- {name: agent, scopes: ['scan:read', 'scan:submit'], token: token-of-the-agent}\n");
    assert_eq!(gate.reload(&wider).await["outcome"], "ok");
    assert!(gate.sees("token-of-the-agent", "run_untrusted_scan").await);

    let other = tokens("- {name: agent, scopes: ['scan:read', 'scan:submit'], token: another-token}\n");
    assert_eq!(gate.reload(&other).await["outcome"], "ok");
    assert_eq!(gate.code(Some("token-of-the-agent")).await, 401, "it was replaced");
    assert_eq!(gate.code(Some("another-token")).await, 200);

    assert_eq!(gate.reload(&tokens("")).await["outcome"], "ok");
    assert_eq!(gate.code(Some("another-token")).await, 401, "it was taken away");
    assert_eq!(gate.code(None).await, 401);
}

#[tokio::test]
async fn streams_of_a_token_end_when_it_is_taken_away() {
    let gate = Gate::open(&tokens("- {name: agent, scopes: ['scan:read'], token: token-of-the-agent}\n"));
    let wanted = || json!({ "notifications": { "toolsListChanged": true } });
    let listen = |token: &str| gate.server.mcp().with_token(token).request("subscriptions/listen", wanted());
    let mut streams = Vec::new();
    for token in ["token-of-the-agent", OPERATOR] {
        let mut stream = Events::open(listen(token)).await;
        assert!(stream.next().await.is_some(), "an acknowledgement");
        streams.push(stream);
    }
    // Wider scopes for the one that stays: it hears of the tools that it has now.
    let wider = tokens("").replace("'scan:read'", "'scan:read', 'scan:submit'");
    assert_eq!(gate.reload(&wider).await["outcome"], "ok");
    let [taken, kept] = &mut streams[..] else { unreachable!("two were opened") };
    assert_eq!(taken.next().await, None, "nothing is told to one that is no longer let in");
    let told = kept.next().await.expect("the other stream goes on");
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
}

#[tokio::test]
async fn a_server_for_other_machines_keeps_its_tokens() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &tokens(""))]);
    let server = home.start_at("0.0.0.0:0");
    let gate = Gate { home, server };
    for nothing in ["", "tokens: []\n"] {
        let reload = gate.reload(nothing).await;
        assert_eq!(reload["outcome"], "failed", "{reload}");
        let problem = reload["problems"][0]["message"].as_str().expect("a message");
        assert!(problem.contains("beyond loopback") && problem.contains("tokens"), "{problem}");
        assert_eq!(gate.code(None).await, 401);
        assert_eq!(gate.code(Some(OPERATOR)).await, 200);
    }
}

#[tokio::test]
async fn shares_are_those_of_the_present_configuration() {
    let gate = Gate::open(&tokens("limits: {calls_per_minute: 40}\n"));
    let mcp = gate.server.mcp().with_token(OPERATOR);
    let refused = async || mcp.call("list_pools", json!({})).await.is_error;
    assert_eq!(gate.reload(&tokens("limits: {calls_per_minute: 2}\n")).await["outcome"], "ok");
    for call in 0..2 {
        assert!(!refused().await, "call {call}");
    }
    assert!(refused().await, "the third");
    assert_eq!(gate.reload(&tokens("limits: {calls_per_minute: 1000}\n")).await["outcome"], "ok");
    assert!(!refused().await, "the limit was raised");
}

#[tokio::test]
async fn as_many_connections_are_let_in_as_the_present_configuration_says() {
    let gate = Gate::open(&tokens("limits: {connections: 1}\n"));
    let health = async || {
        // A connection of its own, which stays open for as long as its client is there.
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(format!("{}/health", gate.server.url())).send().await;
        (answer.map(|answer| answer.status().as_u16()).unwrap_or_default(), client)
    };
    let (first, _open) = health().await;
    assert_eq!(first, 200);
    assert_ne!(health().await.0, 200, "one connection too many");
    gate.home.write("scanhost.yaml", &tokens("limits: {connections: 100}\n"));
    let start = Instant::now();
    while health().await.0 != 200 {
        assert!(start.elapsed() < EFFECT, "{}", gate.server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn calls_under_way_and_sessions_outlast_a_change() {
    let gate = Gate::open("");
    let session = Session::open(&gate.server.mcp(), gate.server.url(), json!({})).await;
    let mcp = gate.server.mcp();
    let id = mcp.ok("run_untrusted_scan", arguments(json!({}))).await["task_id"].clone();
    let waiting = mcp.ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 3 }));
    let (status, reload) = tokio::join!(waiting, gate.reload("limits: {poll_seconds: 0.3}\n"));
    assert_eq!((&status["task_id"], &reload["outcome"]), (&id, &json!("ok")), "{reload}");
    assert!(session.method(2, "tools/list", json!({})).await.is_ok());
}
