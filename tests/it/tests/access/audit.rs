//! What the audit log has of calls.

use std::time::{Duration, Instant};

use scanhost_it::{
    raw::{Answer, arguments},
    server::Home,
};
use serde_json::{Value, json};

const TOKENS: &str = "tokens:\n- {name: ci, scopes: ['scan:read', 'scan:submit'], token: token-of-ci}\n\
                      - {name: reader, scopes: ['scan:read'], token: token-of-reader}\n";

#[tokio::test]
async fn who_asked_for_what_and_what_came_of_it_is_written_down() {
    let scanners = "mock: [{instance_id: m1, options: {duration_seconds: 600}}]";
    let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", TOKENS)]);
    let server = home.start();
    let mcp = server.mcp().with_token("token-of-ci");
    let submit = arguments(json!({
        "targets": "10.1.2.3", "ssh_username": "audit", "ssh_password": "hunter2-of-the-audit-test",
    }));
    let submitted = mcp.ok("run_trusted_scan", submit).await;
    mcp.refused("run_untrusted_scan", arguments(json!({ "targets": "8.8.8.8" }))).await;
    server.mcp().with_token("token-of-reader").ok("list_pools", json!({})).await;
    let stranger = Answer::to(server.mcp().with_token("a-guess").request("tools/list", json!({}))).await;
    assert_eq!(stranger.code, 401);
    let entries = entries(&home, 4).await;
    let fields = |entry: &Value| {
        ["caller", "via", "action", "targets", "outcome"].map(|name| entry[name].as_str().unwrap_or("-").to_owned())
    };
    let expected = [
        ["ci", "http", "run_trusted_scan", "10.1.2.3", "ok"],
        ["ci", "http", "run_untrusted_scan", "8.8.8.8", "target_not_allowed"],
        ["reader", "http", "list_pools", "-", "ok"],
        ["nobody", "http", "/mcp", "-", "unauthorized"],
    ];
    assert_eq!(entries.iter().map(fields).collect::<Vec<_>>(), expected);
    let first = &entries[0];
    assert_eq!((&first["task_id"], &first["trace_id"]), (&submitted["task_id"], &submitted["trace_id"]));
    assert!(first["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{first}");
    assert!(first["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{first}");
    for secret in ["hunter2-of-the-audit-test", "token-of-ci", "a-guess"] {
        assert!(!entries.iter().any(|entry| entry.to_string().contains(secret)), "{secret}");
    }
}

/// The entries once there are as many, within a bound.
async fn entries(home: &Home, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let files = std::fs::read_dir(home.data().join("audit")).into_iter().flatten();
        let texts = files.map(|file| std::fs::read_to_string(file.expect("an entry").path()).expect("text"));
        let text: String = texts.collect();
        let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        if entries.len() >= count {
            return entries;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{entries:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
