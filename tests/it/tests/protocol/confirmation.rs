//! Privileged scans that a person has to confirm: by a form with both protocol versions, or by the argument `confirm`
//! of the agent.

use std::time::Duration;

use scanhost_it::{mcp::McpClient, session::Session};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::TestHost;

const SETTINGS: &str = "confirm_privileged: true\n";

fn privileged(more: Value) -> Value {
    let mut arguments = json!({ "targets": "10.0.0.7", "name": "audit\u{202e}tidua", "ssh_username": "root",
        "ssh_password": "correct horse battery", "elevate_privileges_with": "sudo" });
    for (name, value) in more.as_object().expect("an object") {
        arguments[name] = value.clone();
    }
    json!({ "name": "run_privileged_scan", "arguments": arguments })
}

impl TestHost {
    /// A client that can show a form to a person.
    fn client_with_forms(&self) -> McpClient {
        self.mcp.clone().with_capabilities(json!({ "elicitation": { "form": {} } }))
    }

    async fn count_scans(&self) -> usize {
        let listed = self.mcp.call_ok("list_scans", json!({})).await;
        listed["scans"].as_array().expect("a list").len()
    }
}

fn confirmed() -> Value {
    json!({ "action": "accept", "content": { "confirm": true } })
}

fn not_confirmed() -> Value {
    json!({ "action": "accept", "content": { "confirm": false } })
}

/// Repeats the call with the answer of the person to this form.
fn with_answer(mut call: Value, form: &Value, answer: Value) -> Value {
    call["inputResponses"] = json!({ "confirm": answer });
    call["requestState"] = form["requestState"].clone();
    call
}

#[tokio::test]
async fn confirmed_form_submits_the_scan_once() {
    let host = TestHost::with_settings(SETTINGS);
    let mcp = host.client_with_forms();
    let call = privileged(json!({}));
    let question = mcp.call_method("tools/call", call.clone()).await.expect("a question");
    assert_eq!(question["resultType"], "input_required", "{question}");
    let form = &question["inputRequests"]["confirm"];
    assert_eq!(form["method"], "elicitation/create", "{question}");
    let message = form["params"]["message"].as_str().expect("a message");
    assert!(
        message.contains("10.0.0.7") && message.contains("\\u{202e}") && !message.contains('\u{202e}'),
        "{message}"
    );
    assert!(!question.to_string().contains("correct horse"), "{question}");
    assert_eq!(host.count_scans().await, 0, "no scan is submitted before the answer");

    let yes = with_answer(call.clone(), &question, confirmed());
    let first = mcp.call_method("tools/call", yes.clone()).await.expect("submitted");
    assert_eq!(first["structuredContent"]["status"], "queued", "{first}");
    let again = mcp.call_method("tools/call", yes).await.expect("the same");
    assert_eq!(again["structuredContent"]["task_id"], first["structuredContent"]["task_id"]);
    assert_eq!((&again["structuredContent"]["idempotent"], host.count_scans().await), (&json!(true), 1));
}

#[tokio::test]
async fn any_other_answer_submits_no_scan() {
    let host = TestHost::with_settings(SETTINGS);
    let mcp = host.client_with_forms();
    let call = privileged(json!({}));
    let question = mcp.call_method("tools/call", call.clone()).await.expect("a question");
    let elsewhere = privileged(json!({ "targets": "10.0.0.8" }));
    let mut forged = question.clone();
    forged["requestState"] = "Zm9yZ2Vk".into();
    let answers = [
        with_answer(call.clone(), &question, not_confirmed()),
        with_answer(call.clone(), &question, json!({ "action": "decline" })),
        with_answer(call.clone(), &question, json!({ "action": "cancel" })),
        with_answer(call.clone(), &question, json!({ "action": "accept" })),
        with_answer(call.clone(), &question, json!("yes")),
        with_answer(call.clone(), &forged, confirmed()),
        with_answer(elsewhere, &question, confirmed()),
        with_answer(privileged(json!({ "confirm": true })), &json!({}), confirmed()),
    ];
    for answer in answers {
        let reply = mcp.call_method("tools/call", answer.clone()).await.expect("a refusal is an answer");
        assert_eq!(reply["isError"], true, "{answer}: {reply}");
    }
    let second_question =
        mcp.call_method("tools/call", privileged(json!({ "confirm": true }))).await.expect("a question");
    assert_eq!(second_question["resultType"], "input_required", "the argument of the agent does not replace the form");
    assert_eq!(host.count_scans().await, 0);
}

#[tokio::test]
async fn form_is_shown_in_a_session() {
    let host = TestHost::with_settings(SETTINGS);
    let session = Session::open(&host.mcp, host.server.url(), json!({ "elicitation": {} })).await;
    for (id, answer, count) in [(1, confirmed(), 1), (2, json!({ "action": "decline" }), 1)] {
        let mut events = session.open_stream(id, "tools/call", privileged(json!({}))).await;
        let question = events.wait_for(|message| message["method"] == "elicitation/create").await;
        assert!(question["params"]["message"].as_str().is_some_and(|text| text.contains("10.0.0.7")), "{question}");
        session.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer })).await;
        let answer = events.wait_for(|message| message["id"] == id && message.get("method").is_none()).await;
        assert_eq!(answer["result"]["isError"] == true, count != id, "{answer}");
        assert_eq!(host.count_scans().await, count as usize);
    }
}

#[tokio::test]
async fn call_over_64_kib_is_refused_without_a_form() {
    let host = TestHost::with_settings(SETTINGS);
    let session = Session::open(&host.mcp, host.server.url(), json!({ "elicitation": {} })).await;
    let call = privileged(json!({ "targets": "10.0.0.7, ".repeat(10_000) }));
    let answer = session.call_method(1, "tools/call", call).await.expect("a refusal is an answer");
    let text = answer["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("at most 64 KiB") && text.contains("ranges"), "{text}");
    assert_eq!(host.count_scans().await, 0);
}

#[tokio::test]
async fn unanswered_forms_delay_no_other_call() {
    /// More calls than the server processes at a time.
    const FORMS: u32 = 300;
    let host = TestHost::with_settings(SETTINGS);
    let session = Session::open(&host.mcp, host.server.url(), json!({ "elicitation": {} })).await;
    let answer_first = async {
        let mut open = Vec::new();
        for id in 1..=FORMS {
            let mut events = session.open_stream(id, "tools/call", privileged(json!({}))).await;
            let question = events.wait_for(|message| message["method"] == "elicitation/create").await;
            open.push((events, question));
        }
        let (events, question) = &mut open[0];
        session.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": confirmed() })).await;
        events.wait_for(|message| message["id"] == 1 && message.get("method").is_none()).await
    };
    let answer = timeout(Duration::from_secs(300), answer_first).await.expect("an answer");
    assert_eq!(answer["result"]["structuredContent"]["status"], "queued", "{answer}");
}

#[tokio::test]
async fn client_without_forms_confirms_by_an_argument() {
    let host = TestHost::with_settings(SETTINGS);
    let call = |more| privileged(more)["arguments"].clone();
    let (code, _, hint) = host.mcp.call_refused("run_privileged_scan", call(json!({}))).await;
    assert_eq!(code, "invalid_argument");
    assert!(hint.contains("confirm: true"), "{hint}");
    host.mcp.call_refused("run_privileged_scan", call(json!({ "confirm": false }))).await;
    host.mcp.call_ok("run_privileged_scan", call(json!({ "confirm": true }))).await;
    assert_eq!(host.count_scans().await, 1);
}

#[tokio::test]
async fn no_form_is_shown_without_the_setting() {
    let host = TestHost::start();
    let submitted = host.client_with_forms().call_method("tools/call", privileged(json!({}))).await.expect("submitted");
    assert_eq!(submitted["structuredContent"]["status"], "queued", "{submitted}");
    let has_confirm = |tools: &[Value]| {
        let tool = tools.iter().find(|tool| tool["name"] == "run_privileged_scan").expect("the tool");
        tool["inputSchema"]["properties"].get("confirm").is_some()
    };
    assert!(!has_confirm(&host.mcp.list_tools().await));
    assert!(has_confirm(&TestHost::with_settings(SETTINGS).mcp.list_tools().await));
}
