//! Malformed requests get an error that says what is wrong, and the server goes on serving.

use reqwest::header::HeaderValue;
use scanhost_it::{http_response::HttpResponse, server::Home, session::Session};
use serde_json::{Value, json};

const SCANNERS: &str = "mock: [{instance_id: m1}]";
const MIB: usize = 1 << 20;

#[tokio::test]
async fn body_of_five_mebibytes_is_too_large() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let mcp = server.mcp();
    let call = |size: usize| {
        mcp.request("tools/call", json!({ "name": "get_scan_status", "arguments": { "task_id": "x".repeat(size) } }))
    };
    assert_eq!(HttpResponse::to(call(5 * MIB)).await.code, 413);
    let answer = HttpResponse::to(call(2 * MIB)).await;
    assert_eq!(answer.code, 200, "{:.300}", answer.body);
    assert_eq!(answer.message()["result"]["isError"], true);
}

#[tokio::test]
async fn body_limit_is_configurable() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", "limits: {request_bytes: 2048}\n")]);
    let server = home.start();
    let mcp = server.mcp();
    let call = |size: usize| {
        mcp.request("tools/call", json!({ "name": "get_scan_status", "arguments": { "task_id": "x".repeat(size) } }))
    };
    assert_eq!(HttpResponse::to(call(10)).await.code, 200);
    assert_eq!(HttpResponse::to(call(4_096)).await.code, 413);
}

#[tokio::test]
async fn malformed_http_request_gets_a_4xx_code() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let mcp = server.mcp();
    let url = format!("{}/mcp", server.url());
    let http = mcp.http();
    let post = |body: &str| {
        http.post(&url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    let valid = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let requests = [
        ("get without a session", http.get(&url).header("accept", "text/event-stream")),
        ("get of anything", http.get(&url)),
        ("delete without a session", http.delete(&url)),
        ("put", http.put(&url).body(valid)),
        ("an empty body", post("")),
        ("malformed JSON", post("{\"jsonrpc\": \"2.0\", ")),
        ("no object", post("3")),
        ("no JSON-RPC", post("{\"hello\": true}")),
        ("bytes", post("\u{0}\u{1}\u{2}")),
        ("deep nesting", post(&"[".repeat(100_000))),
        (
            "another content type",
            http.post(&url)
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "text/plain")
                .body(valid),
        ),
        (
            "accepts neither",
            http.post(&url).header("accept", "text/html").header("content-type", "application/json").body(valid),
        ),
        ("an unknown session", post(valid).header("mcp-session-id", "nosuch")),
        ("an unknown protocol", post(valid).header("mcp-protocol-version", "1999-01-01")),
        ("an unknown path", http.get(format!("{}/nosuch", server.url()))),
        ("a path upwards", http.get(format!("{}/mcp/..%2f..%2fetc/passwd", server.url()))),
    ];
    for (name, request) in requests {
        let answer = HttpResponse::to(request).await;
        assert!((400..500).contains(&answer.code), "{name}: {} {:.300}", answer.code, answer.body);
    }
    // Ending an unknown session changes nothing, so success is a fine answer, too.
    let ended = HttpResponse::to(http.delete(&url).header("mcp-session-id", "nosuch")).await;
    assert!((200..500).contains(&ended.code), "{}", ended.code);
    assert_eq!(mcp.list_tools().await.len(), 18, "the server goes on serving");
}

#[tokio::test]
async fn malformed_message_gets_a_json_rpc_error() {
    const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{}}"#;
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let post = |body: &str| {
        let post = server.mcp().http().post(format!("{}/mcp", server.url()));
        post.header("content-type", "application/json; charset=utf-8").header("accept", "*/*").body(body.to_owned())
    };
    for (body, id, code, expected) in [
        ("", Value::Null, -32700, "not JSON: EOF"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, Value::Null, -32700, "hex escape"),
        (
            &format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":{}", "[".repeat(200) + &"]".repeat(200) + "}"),
            Value::Null,
            -32700,
            "recursion",
        ),
        (&format!(r#"{{"jsonrpc":"1.0","id":5,"method":"{}"}}"#, "x".repeat(5_000)), json!(5), -32600, "needs jsonrpc"),
        (&format!("[{}]", " ".repeat(5_000)), Value::Null, -32600, "no batches"),
        ("{\"jsonrpc\": \"2.0\", ", Value::Null, -32700, "column 19"),
        ("[]", Value::Null, -32600, "no batches"),
        ("3", Value::Null, -32600, "not a message"),
        (r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#, json!(5), -32600, "needs jsonrpc \"2.0\""),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, Value::Null, -32600, "text or an integer"),
        (r#"{"jsonrpc":"2.0","id":"a","method":"tools/list","params":[1]}"#, json!("a"), -32600, "must be objects"),
        (INITIALIZE, json!(7), -32602, "params of initialize: missing field"),
    ] {
        let answer = HttpResponse::to(post(body)).await;
        assert_eq!(answer.code, 400, "{body}: {}", answer.body);
        let message = answer.message();
        assert_eq!((&message["id"], &message["error"]["code"]), (&id, &json!(code)), "{body}: {message}");
        assert!(message["error"]["message"].as_str().is_some_and(|text| text.contains(expected)), "{body}: {message}");
    }
    let latin = post("").body(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"caf\xe9\"}".to_vec());
    let answer = HttpResponse::to(latin).await.message();
    let text = answer["error"]["message"].as_str();
    assert!(answer["error"]["code"] == -32700 && text.is_some_and(|text| text.contains("utf-8")), "{answer}");
    for (accept, code) in [("*/*", 200), ("application/*;q=0.9, text/*", 200), ("application/json", 406)] {
        let mut request = server.mcp().request("tools/list", json!({})).build().expect("a request");
        request.headers_mut().insert("accept", HeaderValue::from_static(accept));
        let answer = server.mcp().http().execute(request).await.expect("the server answers");
        assert_eq!(answer.status().as_u16(), code, "{accept}");
    }
}

#[tokio::test]
async fn malformed_params_are_reported_as_invalid_params() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let session = Session::open(&server.mcp(), server.url(), json!({})).await;
    let password = "correct horse battery";
    let login = json!({ "ssh_username": "root", "ssh_password": password }).to_string();
    for (method, params, code, expected) in [
        ("tools/call", json!({ "name": "list_pools", "arguments": [] }), -32602, "expected a map"),
        ("tools/call", json!({ "name": "list_pools", "arguments": login }), -32602, "arguments: invalid type: string"),
        ("tools/call", json!({ "name": ["x", password] }), -32602, "name: invalid type: sequence"),
        ("tools/call", json!({ "arguments": {} }), -32602, "missing field `name`"),
        ("completion/complete", json!({ "ref": { "type": password, "name": "x" } }), -32602, "params of completion"),
        ("resources/read", json!({ "uri": 5 }), -32602, "expected a string"),
        ("prompts/get", json!({ "name": "triage_scan", "arguments": [] }), -32602, "params of prompts/get"),
        ("no/such", json!({}), -32601, "there is no method no/such"),
    ] {
        let error = server.mcp().call_method(method, params.clone()).await.expect_err("refused");
        let in_session = session.call_method(3, method, params).await.expect_err("refused");
        for error in [error, in_session] {
            let error = format!("{error:?}");
            assert!(error.contains(expected) && error.contains(&code.to_string()), "{method}: {error}");
            assert!(!error.contains(password), "{method}: {error}");
        }
    }
    let log = server.kill_and_take_log();
    assert!(log.contains("no method no/such") && !log.contains(password), "{log}");
}
