//! Tokens, and what each scope permits.

use scanhost_it::{
    http_response::HttpResponse,
    mcp::McpClient,
    scans::scan_arguments,
    server::{Home, Server},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

fn start_with_tokens() -> (Home, Server) {
    let digest: String = Sha256::digest(b"submitters-token").iter().map(|byte| format!("{byte:02x}")).collect();
    let tokens = format!(
        "tokens:\n- {{name: reader, scopes: [scan:read], token: readers-token}}\n\
         - {{name: submitter, scopes: [scan:submit], sha256: {digest}}}\n\
         - {{name: both, scopes: [scan:read, scan:submit], token: '${{BOTH:-both-token}}'}}\n"
    );
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &tokens)]);
    let server = home.start();
    (home, server)
}

async fn tool_names(mcp: &McpClient) -> Vec<String> {
    mcp.list_tools().await.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

const SUBMIT_TOOLS: [&str; 5] =
    ["run_untrusted_scan", "run_trusted_scan", "run_privileged_scan", "cancel_scan", "delete_scan"];

#[tokio::test]
async fn token_lists_and_calls_only_tools_of_its_scopes() {
    let (_home, server) = start_with_tokens();
    let with = |token: &str| server.mcp().with_token(token);
    let all = tool_names(&with("both-token")).await;
    let (submitting, reading): (Vec<String>, Vec<String>) =
        all.iter().cloned().partition(|name| SUBMIT_TOOLS.contains(&name.as_str()));
    assert_eq!(submitting, SUBMIT_TOOLS);
    assert_eq!(tool_names(&with("submitters-token")).await, submitting);
    assert_eq!(tool_names(&with("readers-token")).await, reading);
    let refused = async |token: &str, tool: &str, arguments| {
        let call = json!({ "name": tool, "arguments": arguments });
        with(token).call_method("tools/call", call).await.expect_err("the scope is missing")
    };
    refused("readers-token", "run_untrusted_scan", scan_arguments(json!({}))).await;
    refused("submitters-token", "list_scans", json!({})).await;
    assert_eq!(with("both-token").call_ok("list_scans", json!({})).await["scans"], json!([]), "nothing was submitted");
    with("submitters-token").call_ok("run_untrusted_scan", scan_arguments(json!({}))).await;
    let listed = with("readers-token").call_ok("list_scans", json!({})).await;
    assert_eq!(listed["scans"].as_array().map(Vec::len), Some(1), "all tokens see all scans");
}

#[tokio::test]
async fn every_method_that_reads_needs_the_read_scope() {
    let (_home, server) = start_with_tokens();
    let tasks = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let mcp = server.mcp().with_token("submitters-token").with_capabilities(tasks);
    let id = mcp.call_ok("run_untrusted_scan", scan_arguments(json!({}))).await["task_id"].clone();
    let uri = format!("scan://{}", id.as_str().expect("an id"));
    let argument = json!({ "name": "task_id", "value": "" });
    let table = [
        ("resources/list", json!({})),
        ("resources/read", json!({ "uri": uri })),
        ("prompts/get", json!({ "name": "triage_scan", "arguments": { "task_id": id } })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "triage_scan" }, "argument": argument }),
        ),
        ("tasks/get", json!({ "taskId": id })),
        ("subscriptions/listen", json!({ "notifications": { "resourceSubscriptions": [uri] } })),
    ];
    for (method, params) in table {
        let error = mcp.call_method(method, params).await.expect_err("the scope is missing");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("scan:read")), "{method}: {error}");
    }
}

#[tokio::test]
async fn request_without_a_valid_token_gets_401() {
    let (_home, server) = start_with_tokens();
    let mcp = server.mcp();
    let digest: String = Sha256::digest(b"submitters-token").iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = [
        None,
        Some("Bearer wrong".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer readers-token-and-more".to_owned()),
        Some("Bearer reader".to_owned()),
        Some(format!("Bearer {digest}")),
        Some("Basic readers-token".to_owned()),
        Some("readers-token".to_owned()),
    ];
    for header in headers {
        let mut request = mcp.request("tools/list", json!({}));
        if let Some(header) = &header {
            request = request.header("authorization", header);
        }
        let answer = HttpResponse::to(request).await;
        assert_eq!(answer.code, 401, "{header:?}: {}", answer.body);
        assert!(!answer.body.contains("run_untrusted_scan"));
    }
    let response = mcp.request("tools/list", json!({})).send().await.expect("an answer");
    let challenge = response.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
    assert!(challenge.is_some_and(|challenge| challenge.starts_with("Bearer")), "{challenge:?}");
    for path in ["/mcp", "/metrics", "/", "/ready/more"] {
        let answer = HttpResponse::to(mcp.http().get(format!("{}{path}", server.url()))).await;
        assert!(answer.code == 401 || path != "/mcp" && answer.code == 404, "{path}: {}", answer.code);
    }
}

#[tokio::test]
async fn health_is_public_and_ready_shows_only_its_status_without_a_token() {
    let (_home, server) = start_with_tokens();
    let http = server.mcp().http().clone();
    let get = |path: &str| http.get(format!("{}{path}", server.url()));
    let health = HttpResponse::to(get("/health")).await;
    assert_eq!(health.code, 200);
    let ready = HttpResponse::to(get("/ready")).await;
    assert_eq!(ready.code, 200);
    let ready: serde_json::Value = serde_json::from_str(&ready.body).expect("JSON");
    let keys: Vec<&String> = ready.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["status"], "{ready}");
    let ready = HttpResponse::to(get("/ready").bearer_auth("readers-token")).await;
    assert_eq!(ready.code, 200);
    let ready: serde_json::Value = serde_json::from_str(&ready.body).expect("JSON");
    for part in ["status", "store", "disk", "scanners", "plugins", "last_reload"] {
        assert!(ready.get(part).is_some(), "{part}: {ready}");
    }
    assert_eq!((&ready["store"]["ok"], &ready["disk"]["ok"]), (&json!(true), &json!(true)));
    let names: Vec<&str> =
        ready["plugins"].as_array().expect("a list").iter().filter_map(|plugin| plugin["name"].as_str()).collect();
    assert!(names.contains(&"mock") && names.contains(&"nessus"), "{names:?}");
}

#[tokio::test]
async fn tokens_are_not_logged() {
    let (_home, server) = start_with_tokens();
    tool_names(&server.mcp().with_token("both-token")).await;
    let answer = HttpResponse::to(server.mcp().with_token("a-guessed-token").request("tools/list", json!({}))).await;
    assert_eq!(answer.code, 401);
    let log = server.log();
    for token in ["readers-token", "both-token", "a-guessed-token"] {
        assert!(!log.contains(token), "{log}");
    }
}

#[tokio::test]
async fn replaced_token_is_good_until_its_end() {
    let tokens = "tokens:\n- {name: ci, scopes: [scan:read], token: new-token, \
                  previous: {token: old-token, until: \"2999-01-01T00:00:00Z\"}}\n\
                  - {name: late, scopes: [scan:read], token: late-token, \
                  previous: {token: ended-token, until: \"2020-01-01T00:00:00Z\"}}\n";
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", tokens)]);
    let server = home.start();
    for (token, expected) in
        [("new-token", 200), ("old-token", 200), ("late-token", 200), ("ended-token", 401), ("no-token", 401)]
    {
        let request = server.mcp().with_token(token).request("tools/list", json!({}));
        assert_eq!(request.send().await.expect("the server answers").status(), expected, "{token}");
    }
}
