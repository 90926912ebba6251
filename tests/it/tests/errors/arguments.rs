//! Arguments that are missing, unknown or of the wrong type, and tools that do not exist.

use scanhost_it::scans::{scan_arguments, submit, wait_for_status};
use serde_json::{Value, json};

use crate::test_host::TestHost;

#[tokio::test]
async fn invalid_argument_is_named_and_the_hint_lists_valid_ones() {
    let host = TestHost::start();
    let (scan, trusted, privileged) = ("run_untrusted_scan", "run_trusted_scan", "run_privileged_scan");
    let login = json!({ "ssh_username": "audit", "ssh_password": "not-a-secret" });
    let with_login = |more: Value| {
        let mut all = scan_arguments(login.clone());
        for (key, value) in more.as_object().expect("an object") {
            all[key] = value.clone();
        }
        all
    };
    let table = [
        (scan, json!({}), "targets", "targets, name"),
        (scan, json!({ "targets": "10.0.0.1" }), "name", "targets, name"),
        (scan, json!({ "name": "x", "targets": null }), "targets", "targets, name"),
        (scan, scan_arguments(json!({ "target": "10.0.0.1" })), "target", "targets"),
        (scan, scan_arguments(json!({ "ssh_username": "root" })), "ssh_username", "targets"),
        (scan, scan_arguments(json!({ "targets": 10 })), "", "targets"),
        (scan, scan_arguments(json!({ "targets": ["10.0.0.1"] })), "", "targets"),
        (scan, scan_arguments(json!({ "name": "" })), "name", ""),
        (scan, scan_arguments(json!({ "name": "a\nb" })), "name", ""),
        (scan, scan_arguments(json!({ "name": "x".repeat(5_000) })), "name", ""),
        (scan, scan_arguments(json!({ "description": "x".repeat(100_000) })), "description", ""),
        (scan, scan_arguments(json!({ "idempotency_key": "" })), "key", ""),
        (scan, scan_arguments(json!({ "idempotency_key": 7 })), "", "idempotency_key"),
        (scan, scan_arguments(json!({ "idempotency_key": "x".repeat(5_000) })), "key", ""),
        (scan, scan_arguments(json!({ "schema_profile": ["minimal"] })), "", "schema_profile"),
        (trusted, scan_arguments(json!({})), "login", "credential"),
        (trusted, scan_arguments(json!({ "ssh_username": "audit" })), "ssh_password or ssh_private_key", ""),
        (trusted, with_login(json!({ "ssh_password": "x".repeat(70_000) })), "secret", ""),
        (trusted, scan_arguments(json!({ "ssh_password": "x" })), "ssh_username", ""),
        (trusted, scan_arguments(json!({ "credential": "nosuch" })), "", ""),
        (trusted, with_login(json!({ "credential": "nosuch" })), "", ""),
        (trusted, with_login(json!({ "ssh_private_key": "x" })), "", ""),
        (trusted, with_login(json!({ "elevate_privileges_with": "sudo" })), "elevate_privileges_with", "ssh_username"),
        (privileged, with_login(json!({})), "elevate_privileges_with", "sudo"),
        (privileged, with_login(json!({ "elevate_privileges_with": "doas" })), "", "sudo"),
        ("get_scan_status", json!({}), "task_id", "task_id"),
        ("get_scan_status", json!({ "task_id": null }), "task_id", "task_id"),
        ("get_scan_status", json!({ "task_id": 5 }), "", "task_id"),
        ("get_scan_status", json!({ "task_id": "x", "verbose": true }), "verbose", "task_id"),
        ("delete_scan", json!({ "task_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "force": "yes" }), "", "force"),
        (
            "wait_for_scan",
            json!({ "task_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "timeout_seconds": -1 }),
            "",
            "timeout_seconds",
        ),
        ("list_scans", json!({ "limit": "ten" }), "", "limit"),
        ("list_pools", json!({ "pool": "mock" }), "pool", ""),
        ("list_profiles", json!({ "name": "brief" }), "name", ""),
    ];
    for (tool, arguments, in_message, in_hint) in table {
        host.check_refused(tool, arguments, "invalid_argument", in_message, in_hint).await;
    }
    assert_eq!(host.mcp.call_ok("list_scans", json!({})).await["scans"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn refusal_never_quotes_a_secret() {
    let host = TestHost::start();
    let secret = "correct-horse-battery";
    let table = [
        json!({ "ssh_username": "audit", "ssh_password": secret, "ssh_private_key": secret }),
        json!({ "ssh_password": secret }),
        json!({ "ssh_username": "audit", "ssh_private_key": secret, "targets": "8.8.8.8" }),
        json!({ "ssh_username": "audit", "ssh_password": [secret] }),
        json!({ "ssh_username": "audit", "ssh_password": { "value": secret } }),
    ];
    for more in table {
        let reply = host.mcp.call("run_trusted_scan", scan_arguments(more.clone())).await;
        assert!(reply.is_error, "{more}");
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
}

/// Values that do not have the type of this property, and the name of that type in the error message.
fn wrong_values(property: &Value, secret: &str) -> (Vec<Value>, &'static str) {
    let (text, number, list) = (json!(secret), json!(7), json!([secret]));
    let (object, fraction) = (json!({ "value": secret }), json!(1.5));
    match property["type"].as_str().expect("each argument has one type") {
        "string" => (vec![number, list, object, json!(true)], "a string"),
        "integer" => (vec![text, list, object, fraction, json!(true), json!("7")], "an integer"),
        "boolean" => (vec![text, number, list, object, json!("true")], "a boolean"),
        "array" => (vec![text, json!([7, secret]), object], "an array of strings"),
        "object" => (vec![text, number, list], "an object"),
        other => panic!("this test has no values for the type {other}"),
    }
}

#[tokio::test]
async fn type_error_names_argument_and_type_without_the_value() {
    let host = TestHost::start();
    let secret = "correct-horse-battery";
    let mut tested = 0;
    for tool in host.mcp.list_tools().await {
        let name = tool["name"].as_str().expect("a tool has a name");
        for (argument, property) in tool["inputSchema"]["properties"].as_object().expect("an object") {
            let (values, expected) = wrong_values(property, secret);
            for value in values {
                let reply = host.mcp.call(name, json!({ argument: value })).await;
                let message = format!("argument `{argument}` must be {expected}");
                assert!(reply.is_error && reply.text.contains("invalid_argument"), "{name} {}", reply.text);
                assert!(reply.text.contains(&message), "{name} {value}: {}", reply.text);
                assert!(!reply.text.contains(secret), "{name} {value}: {}", reply.text);
                tested += 1;
            }
        }
    }
    assert!(tested > 100, "{tested}");
}

#[tokio::test]
async fn unknown_argument_gets_a_suggestion() {
    let host = TestHost::start();
    for tool in host.mcp.list_tools().await {
        let name = tool["name"].as_str().expect("a tool has a name");
        for argument in tool["inputSchema"]["properties"].as_object().expect("an object").keys() {
            let typo = format!("{}{}", &argument[..1], &argument[2..]);
            let (_, message, hint) = host.mcp.call_refused(name, json!({ &typo: 1 })).await;
            assert!(message.contains(&format!("`{typo}`; did you mean `{argument}`?")), "{name}: {message}");
            assert!(hint.contains(argument), "{name}: {hint}");
        }
        host.check_refused(name, json!({ "zzzzzz": 1 }), "invalid_argument", "unknown argument `zzzzzz`", "arguments")
            .await;
    }
    let all = json!({ "target": "10.0.0.1", "name": 7 });
    let (_, message, _) = host.mcp.call_refused("run_untrusted_scan", all).await;
    let expected = "unknown argument `target`; did you mean `targets`?; argument `name` must be a string; missing argument `targets`";
    assert_eq!(message, expected, "all problems are reported at once");
}

// JSON has only one number type, so `1.0` is an integer, too.
#[tokio::test]
async fn whole_number_is_an_integer_in_every_notation() {
    let host = TestHost::start();
    let id = submit(&host.mcp, json!({})).await;
    host.mcp.call_ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 3e1 })).await;
    wait_for_status(&host.mcp, &id, "completed").await;
    let page = json!({ "task_id": id, "page": 1.0, "page_size": 1e1, "skip": 0.0 });
    assert_eq!(host.mcp.results(page).await.last().expect("a line")["page_size"], 10);
    assert_eq!(
        host.mcp.call_ok("list_scans", json!({ "limit": 1.0 })).await["scans"].as_array().map(Vec::len),
        Some(1)
    );
    for (limit, expected) in [(json!(1.5), "an integer"), (json!(1e30), "fewer digits"), (json!("1"), "an integer")] {
        host.check_refused("list_scans", json!({ "limit": limit }), "invalid_argument", expected, "limit").await;
    }
}

#[tokio::test]
async fn null_argument_counts_as_absent() {
    let host = TestHost::start();
    let nulls = json!({
        "description": null, "schema_profile": null, "idempotency_key": null, "scanner_pool": null,
        "scanner_instance": null,
    });
    let id = submit(&host.mcp, nulls).await;
    wait_for_status(&host.mcp, &id, "completed").await;
    let listed = json!({ "status": null, "scan_type": null, "scanner_pool": null, "target": null, "limit": null, "cursor": null });
    assert_eq!(host.mcp.call_ok("list_scans", listed).await["scans"].as_array().map(Vec::len), Some(1));
    host.mcp.call_ok("delete_scan", json!({ "task_id": id, "force": null })).await;
}

#[tokio::test]
async fn unknown_tool_is_a_protocol_error() {
    let host = TestHost::start();
    let error = host.mcp.call_method("tools/call", json!({ "name": "run_scan", "arguments": {} })).await;
    let error = error.expect_err("a JSON-RPC error");
    assert_eq!(error["code"], -32602, "{error}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("run_untrusted_scan")), "{error}");
}
