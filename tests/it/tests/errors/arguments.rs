//! Arguments that are missing, unknown or of the wrong type, and tools that do not exist.

use scanhost_it::raw::{arguments, submit, until};
use serde_json::{Value, json};

use crate::tool_box::ToolBox;

#[tokio::test]
async fn bad_arguments_are_named_and_the_hint_lists_the_good_ones() {
    let tools = ToolBox::new();
    let (scan, trusted, privileged) = ("run_untrusted_scan", "run_trusted_scan", "run_privileged_scan");
    let login = json!({ "ssh_username": "audit", "ssh_password": "not-a-secret" });
    let with_login = |more: Value| {
        let mut all = arguments(login.clone());
        for (key, value) in more.as_object().expect("an object") {
            all[key] = value.clone();
        }
        all
    };
    let table = [
        (scan, json!({}), "targets", "targets, name"),
        (scan, json!({ "targets": "10.0.0.1" }), "name", "targets, name"),
        (scan, json!({ "name": "x", "targets": null }), "targets", "targets, name"),
        (scan, arguments(json!({ "target": "10.0.0.1" })), "target", "targets"),
        (scan, arguments(json!({ "ssh_username": "root" })), "ssh_username", "targets"),
        (scan, arguments(json!({ "targets": 10 })), "", "targets"),
        (scan, arguments(json!({ "targets": ["10.0.0.1"] })), "", "targets"),
        (scan, arguments(json!({ "name": "" })), "name", ""),
        (scan, arguments(json!({ "name": "a\nb" })), "name", ""),
        (scan, arguments(json!({ "name": "x".repeat(5_000) })), "name", ""),
        (scan, arguments(json!({ "description": "x".repeat(100_000) })), "description", ""),
        (scan, arguments(json!({ "idempotency_key": "" })), "key", ""),
        (scan, arguments(json!({ "idempotency_key": 7 })), "", "idempotency_key"),
        (scan, arguments(json!({ "idempotency_key": "x".repeat(5_000) })), "key", ""),
        (scan, arguments(json!({ "schema_profile": ["minimal"] })), "", "schema_profile"),
        (trusted, arguments(json!({})), "login", "credential"),
        (trusted, arguments(json!({ "ssh_username": "audit" })), "ssh_password or ssh_private_key", ""),
        (trusted, with_login(json!({ "ssh_password": "x".repeat(70_000) })), "secret", ""),
        (trusted, arguments(json!({ "ssh_password": "x" })), "ssh_username", ""),
        (trusted, arguments(json!({ "credential": "nosuch" })), "", ""),
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
        tools.check(tool, arguments, "invalid_argument", in_message, in_hint).await;
    }
    assert_eq!(tools.mcp.ok("list_scans", json!({})).await["scans"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn a_refusal_never_repeats_a_secret() {
    let tools = ToolBox::new();
    let secret = "correct-horse-battery";
    let table = [
        json!({ "ssh_username": "audit", "ssh_password": secret, "ssh_private_key": secret }),
        json!({ "ssh_password": secret }),
        json!({ "ssh_username": "audit", "ssh_private_key": secret, "targets": "8.8.8.8" }),
        json!({ "ssh_username": "audit", "ssh_password": [secret] }),
        json!({ "ssh_username": "audit", "ssh_password": { "value": secret } }),
    ];
    for more in table {
        let reply = tools.mcp.call("run_trusted_scan", arguments(more.clone())).await;
        assert!(reply.is_error, "{more}");
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
}

/// What each type is not, and how it is called.
fn misfits(property: &Value, secret: &str) -> (Vec<Value>, &'static str) {
    let (text, number, list) = (json!(secret), json!(7), json!([secret]));
    let (object, fraction) = (json!({ "value": secret }), json!(1.5));
    match property["type"].as_str().expect("each argument has one type") {
        "string" => (vec![number, list, object, json!(true)], "a string"),
        "integer" => (vec![text, list, object, fraction, json!(true), json!("7")], "an integer"),
        "boolean" => (vec![text, number, list, object, json!("true")], "a boolean"),
        "array" => (vec![text, json!([7, secret]), object], "an array of strings"),
        "object" => (vec![text, number, list], "an object"),
        other => panic!("a type that this test does not know: {other}"),
    }
}

#[tokio::test]
async fn a_wrong_type_names_argument_and_type_and_repeats_nothing() {
    let tools = ToolBox::new();
    let secret = "correct-horse-battery";
    let mut tried = 0;
    for tool in tools.mcp.tools().await {
        let name = tool["name"].as_str().expect("a tool has a name");
        for (argument, property) in tool["inputSchema"]["properties"].as_object().expect("an object") {
            let (values, expected) = misfits(property, secret);
            for value in values {
                let reply = tools.mcp.call(name, json!({ argument: value })).await;
                let told = format!("argument `{argument}` must be {expected}");
                assert!(reply.is_error && reply.text.contains("invalid_argument"), "{name} {}", reply.text);
                assert!(reply.text.contains(&told), "{name} {value}: {}", reply.text);
                assert!(!reply.text.contains(secret), "{name} {value}: {}", reply.text);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[tokio::test]
async fn an_unknown_argument_is_named_with_the_one_that_was_meant() {
    let tools = ToolBox::new();
    for tool in tools.mcp.tools().await {
        let name = tool["name"].as_str().expect("a tool has a name");
        for argument in tool["inputSchema"]["properties"].as_object().expect("an object").keys() {
            let slip = format!("{}{}", &argument[..1], &argument[2..]);
            let (_, message, hint) = tools.mcp.refused(name, json!({ &slip: 1 })).await;
            assert!(message.contains(&format!("`{slip}`; did you mean `{argument}`?")), "{name}: {message}");
            assert!(hint.contains(argument), "{name}: {hint}");
        }
        tools.check(name, json!({ "zzzzzz": 1 }), "invalid_argument", "unknown argument `zzzzzz`", "arguments").await;
    }
    let all = json!({ "target": "10.0.0.1", "name": 7 });
    let (_, message, _) = tools.mcp.refused("run_untrusted_scan", all).await;
    let told = "unknown argument `target`; did you mean `targets`?; argument `name` must be a string; missing argument `targets`";
    assert_eq!(message, told, "all at once");
}

/// JSON has one kind of number.
#[tokio::test]
async fn a_whole_number_is_an_integer_however_it_is_written() {
    let tools = ToolBox::new();
    let id = submit(&tools.mcp, json!({})).await;
    tools.mcp.ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 3e1 })).await;
    until(&tools.mcp, &id, "completed").await;
    let page = json!({ "task_id": id, "page": 1.0, "page_size": 1e1, "skip": 0.0 });
    assert_eq!(tools.mcp.results(page).await.last().expect("a line")["page_size"], 10);
    assert_eq!(tools.mcp.ok("list_scans", json!({ "limit": 1.0 })).await["scans"].as_array().map(Vec::len), Some(1));
    for (limit, expected) in [(json!(1.5), "an integer"), (json!(1e30), "fewer digits"), (json!("1"), "an integer")] {
        tools.check("list_scans", json!({ "limit": limit }), "invalid_argument", expected, "limit").await;
    }
}

#[tokio::test]
async fn null_is_as_good_as_absent() {
    let tools = ToolBox::new();
    let nulls = json!({
        "description": null, "schema_profile": null, "idempotency_key": null, "scanner_pool": null,
        "scanner_instance": null,
    });
    let id = submit(&tools.mcp, nulls).await;
    until(&tools.mcp, &id, "completed").await;
    let listed = json!({ "status": null, "scan_type": null, "scanner_pool": null, "target": null, "limit": null, "cursor": null });
    assert_eq!(tools.mcp.ok("list_scans", listed).await["scans"].as_array().map(Vec::len), Some(1));
    tools.mcp.ok("delete_scan", json!({ "task_id": id, "force": null })).await;
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol() {
    let tools = ToolBox::new();
    let error = tools.mcp.method("tools/call", json!({ "name": "run_scan", "arguments": {} })).await;
    let error = error.expect_err("a JSON-RPC error");
    assert_eq!(error["code"], -32602, "{error}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("run_untrusted_scan")), "{error}");
}
