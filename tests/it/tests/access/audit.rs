//! The entries of the audit log.

use std::time::{Duration, Instant};

use scanhost_it::{
    event_stream::EventStream,
    http_response::HttpResponse,
    output::Output,
    scans::{scan_arguments, submit, wait_for_status},
    server::Home,
    session::Session,
};
use serde_json::{Value, json};

const TOKENS: &str = "tokens:\n- {name: ci, scopes: ['scan:read', 'scan:submit'], token: token-of-ci}\n\
                      - {name: reader, scopes: ['scan:read'], token: token-of-reader}\n";

#[tokio::test]
async fn audit_entries_have_caller_action_targets_and_outcome() {
    let scanners = "mock: [{instance_id: m1, options: {duration_seconds: 600}}]";
    let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", TOKENS)]);
    let server = home.start();
    let mcp = server.mcp().with_token("token-of-ci");
    let submit = scan_arguments(json!({
        "targets": "10.1.2.3", "ssh_username": "audit", "ssh_password": "hunter2-of-the-audit-test",
    }));
    let submitted = mcp.call_ok("run_trusted_scan", submit).await;
    mcp.call_refused("run_untrusted_scan", scan_arguments(json!({ "targets": "8.8.8.8" }))).await;
    server.mcp().with_token("token-of-reader").call_ok("list_pools", json!({})).await;
    let unauthenticated = HttpResponse::to(server.mcp().with_token("a-guess").request("tools/list", json!({}))).await;
    assert_eq!(unauthenticated.code, 401);
    let entries = wait_for_entries(&home, 4).await;
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

#[tokio::test]
async fn every_kind_of_request_is_audited() {
    let scanners = "mock: [{instance_id: m1, options: {duration_seconds: 600}}]";
    let settings = format!("{TOKENS}confirm_privileged: true\n");
    let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", &settings)]);
    let server = home.start();
    let ci = server.mcp().with_token("token-of-ci");
    let submitted = ci.call_ok("run_untrusted_scan", scan_arguments(json!({}))).await;
    let id = submitted["task_id"].as_str().expect("an id");
    let (uri, wrong_uri) = (format!("scan://{id}"), "scan://nonsense");
    let triage = json!({ "name": "triage_scan", "arguments": { "task_id": id } });
    let completion = json!({ "ref": { "type": "ref/prompt", "name": "triage_scan" },
        "argument": { "name": "task_id", "value": "" } });
    let submit = json!({ "name": "run_untrusted_scan", "arguments": {} });
    let login = json!({ "ssh_username": "audit", "ssh_password": "pw", "elevate_privileges_with": "sudo" });
    let privileged = json!({ "name": "run_privileged_scan", "arguments": scan_arguments(login) });
    // The columns are the token, the method and its parameters, and the resource or task and the outcome of the entry.
    let table = [
        ("token-of-ci", "resources/read", json!({ "uri": uri }), &*uri, "ok"),
        ("token-of-ci", "resources/read", json!({ "uri": wrong_uri }), wrong_uri, "invalid_argument"),
        ("token-of-ci", "prompts/get", triage, id, "ok"),
        ("token-of-ci", "completion/complete", completion, "", "ok"),
        ("token-of-ci", "tasks/get", json!({ "taskId": id }), id, "ok"),
        ("token-of-reader", "tasks/cancel", json!({ "taskId": id }), id, "forbidden"),
        ("token-of-reader", "tools/call", submit, "", "forbidden"),
        ("token-of-ci", "tools/call", privileged, "", "input_required"),
    ];
    let mut expected = vec!["ok run_untrusted_scan".to_owned() + " " + id];
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} }, "elicitation": {} });
    for (token, method, params, object, outcome) in table {
        let client = server.mcp().with_token(token).with_capabilities(capabilities.clone());
        let action = if method == "tools/call" { params["name"].clone() } else { json!(method) };
        let action = action.as_str().expect("text");
        let answer = client.call_method(method, params).await;
        assert_eq!(answer.is_ok(), matches!(outcome, "ok" | "input_required"), "{method}: {answer:?}");
        expected.push(format!("{outcome} {action} {object}"));
    }
    let session = Session::open(&ci, server.url(), json!({})).await;
    session.call_method(1, "resources/subscribe", json!({ "uri": uri })).await.expect("subscribed");
    expected.push(format!("ok resources/subscribe {uri}"));
    let wanted = json!({ "notifications": { "resourceSubscriptions": [uri] } });
    let mut events = EventStream::open(ci.request("subscriptions/listen", wanted)).await;
    events.next().await.expect("an acknowledgement");
    expected.push(format!("ok subscriptions/listen {uri}"));
    let line = |entry: &Value| {
        let text = |name: &str| entry[name].as_str();
        let object = text("resource").or(text("task_id")).unwrap_or_default();
        format!("{} {} {object}", text("outcome").unwrap_or_default(), text("action").unwrap_or_default())
    };
    let entries = wait_for_entries(&home, expected.len()).await;
    assert_eq!(entries.iter().map(line).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn rate_limited_call_is_audited() {
    let limited = format!("{TOKENS}limits: {{calls_per_minute: 1}}\n");
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]"), ("scanhost.yaml", &limited)]);
    let server = home.start();
    let mcp = server.mcp().with_token("token-of-ci");
    mcp.call_ok("list_pools", json!({})).await;
    mcp.call_refused("list_pools", json!({})).await;
    let entries = wait_for_entries(&home, 2).await;
    let outcomes: Vec<&Value> = entries.iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "rate_limited"]);
}

#[tokio::test]
async fn operator_commands_are_audited_with_and_without_a_running_server() {
    let broken = "mock: [{instance_id: m1, options: {duration_seconds: 0, fail_at: launch}}]";
    let home = Home::new(&[("scanners.yaml", broken), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let server = home.start();
    let id = submit(&server.mcp(), json!({})).await;
    wait_for_status(&server.mcp(), &id, "failed").await;
    let operator = |arguments: &[&str]| {
        let mut command = home.command(&[arguments, &["--json", "--config"]].concat());
        Output::run({
            command.arg(home.config());
            command
        })
    };
    assert_eq!(operator(&["queue", "pause", "mock"]).code, Some(0));
    assert_eq!(server.terminate(), Some(0));
    let lower = id.to_ascii_lowercase();
    let table: [(&[&str], i32, &str); 5] = [
        (&["queue", "resume", "mock"], 0, "shell ok queue resume mock"),
        (&["queue", "pause", "nosuch"], 1, "shell invalid_argument queue pause nosuch"),
        // A task id is accepted in lower case, too.
        (&["dlq", "show", &lower], 0, "shell ok dlq show"),
        (&["dlq", "purge", &lower, "--yes"], 0, "shell ok dlq purge"),
        (&["plugin", "rollback", "mock"], 1, "plugin rollback mock"),
    ];
    for (arguments, code, _) in table {
        let output = operator(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {}{}", output.stdout, output.stderr);
    }
    let line = |entry: &Value| {
        let text = |name: &str| entry[name].as_str();
        let object = text("scanner_pool").or(text("task_id")).or(text("resource")).unwrap_or_default();
        let [caller, via, outcome, action] =
            ["caller", "via", "outcome", "action"].map(|name| text(name).unwrap_or("-"));
        assert_eq!(caller == "operator", via != "http");
        format!("{via} {outcome} {action} {object}")
    };
    let written: Vec<String> = wait_for_entries(&home, table.len()).await.iter().map(line).collect();
    assert!(written.contains(&"socket ok queue pause mock".to_owned()), "{written:?}");
    let last = &written[written.len() - table.len()..];
    for (entry, (.., expected)) in last.iter().zip(table) {
        assert!(entry.contains(expected), "{expected}: {written:?}");
    }
}

/// Waits until the audit log has this many entries, and returns them.
async fn wait_for_entries(home: &Home, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let entries = home.audit_entries();
        if entries.len() >= count {
            return entries;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{entries:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
