//! Privileged scans where a person has to agree: by a form in both eras, or by the agent's word.

use std::time::Duration;

use scanhost_it::{mcp::Mcp, session::Session};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Desk;

const SETTINGS: &str = "confirm_privileged: true\n";

fn privileged(more: Value) -> Value {
    let mut arguments = json!({ "targets": "10.0.0.7", "name": "audit\u{202e}tidua", "ssh_username": "root",
        "ssh_password": "correct horse battery", "elevate_privileges_with": "sudo" });
    for (name, value) in more.as_object().expect("an object") {
        arguments[name] = value.clone();
    }
    json!({ "name": "run_privileged_scan", "arguments": arguments })
}

impl Desk {
    /// A client that can put a form before a person.
    fn asking(&self) -> Mcp {
        self.mcp.clone().with_capabilities(json!({ "elicitation": { "form": {} } }))
    }

    async fn count(&self) -> usize {
        let listed = self.mcp.ok("list_scans", json!({})).await;
        listed["scans"].as_array().expect("a list").len()
    }
}

fn accepted(confirm: bool) -> Value {
    json!({ "action": "accept", "content": { "confirm": confirm } })
}

/// The same call with what the client's person said.
fn answered(mut call: Value, asked: &Value, said: Value) -> Value {
    call["inputResponses"] = json!({ "confirm": said });
    call["requestState"] = asked["requestState"].clone();
    call
}

#[tokio::test]
async fn a_person_is_asked_and_their_yes_scans_once() {
    let desk = Desk::with(SETTINGS);
    let mcp = desk.asking();
    let call = privileged(json!({}));
    let asked = mcp.method("tools/call", call.clone()).await.expect("a question");
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let form = &asked["inputRequests"]["confirm"];
    assert_eq!(form["method"], "elicitation/create", "{asked}");
    let message = form["params"]["message"].as_str().expect("a message");
    assert!(
        message.contains("10.0.0.7") && message.contains("\\u{202e}") && !message.contains('\u{202e}'),
        "{message}"
    );
    assert!(!asked.to_string().contains("correct horse"), "{asked}");
    assert_eq!(desk.count().await, 0, "nothing before the answer");

    let yes = answered(call.clone(), &asked, accepted(true));
    let first = mcp.method("tools/call", yes.clone()).await.expect("submitted");
    assert_eq!(first["structuredContent"]["status"], "queued", "{first}");
    let again = mcp.method("tools/call", yes).await.expect("the same");
    assert_eq!(again["structuredContent"]["task_id"], first["structuredContent"]["task_id"]);
    assert_eq!((&again["structuredContent"]["idempotent"], desk.count().await), (&json!(true), 1));
}

#[tokio::test]
async fn any_other_answer_scans_nothing() {
    let desk = Desk::with(SETTINGS);
    let mcp = desk.asking();
    let call = privileged(json!({}));
    let asked = mcp.method("tools/call", call.clone()).await.expect("a question");
    let elsewhere = privileged(json!({ "targets": "10.0.0.8" }));
    let mut forged = asked.clone();
    forged["requestState"] = "Zm9yZ2Vk".into();
    let answers = [
        answered(call.clone(), &asked, accepted(false)),
        answered(call.clone(), &asked, json!({ "action": "decline" })),
        answered(call.clone(), &asked, json!({ "action": "cancel" })),
        answered(call.clone(), &asked, json!({ "action": "accept" })),
        answered(call.clone(), &asked, json!("yes")),
        answered(call.clone(), &forged, accepted(true)),
        answered(elsewhere, &asked, accepted(true)),
        answered(privileged(json!({ "confirm": true })), &json!({}), accepted(true)),
    ];
    for answer in answers {
        let said = mcp.method("tools/call", answer.clone()).await.expect("a refusal is an answer");
        assert_eq!(said["isError"], true, "{answer}: {said}");
    }
    let asked_again = mcp.method("tools/call", privileged(json!({ "confirm": true }))).await.expect("a question");
    assert_eq!(asked_again["resultType"], "input_required", "the agent's word is not the person's");
    assert_eq!(desk.count().await, 0);
}

#[tokio::test]
async fn a_person_is_asked_in_a_session_too() {
    let desk = Desk::with(SETTINGS);
    let session = Session::open(&desk.mcp, desk.server.url(), json!({ "elicitation": {} })).await;
    for (id, said, count) in [(1, accepted(true), 1), (2, json!({ "action": "decline" }), 1)] {
        let mut events = session.begin(id, "tools/call", privileged(json!({}))).await;
        let asked = events.until(|message| message["method"] == "elicitation/create").await;
        assert!(asked["params"]["message"].as_str().is_some_and(|text| text.contains("10.0.0.7")), "{asked}");
        session.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": said })).await;
        let answer = events.until(|message| message["id"] == id && message.get("method").is_none()).await;
        assert_eq!(answer["result"]["isError"] == true, count != id, "{answer}");
        assert_eq!(desk.count().await, count as usize);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_call_too_large_to_wait() {
    let desk = Desk::with(SETTINGS);
    let session = Session::open(&desk.mcp, desk.server.url(), json!({ "elicitation": {} })).await;
    let call = privileged(json!({ "targets": "10.0.0.7, ".repeat(10_000) }));
    let answer = session.method(1, "tools/call", call).await.expect("a refusal is an answer");
    let text = answer["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("at most 64 KiB") && text.contains("ranges"), "{text}");
    assert_eq!(desk.count().await, 0);
}

#[tokio::test]
async fn people_who_have_not_answered_are_in_nobodys_way() {
    /// More than are worked on at a time.
    const QUESTIONS: u32 = 300;
    let desk = Desk::with(SETTINGS);
    let session = Session::open(&desk.mcp, desk.server.url(), json!({ "elicitation": {} })).await;
    let answered = async {
        let mut open = Vec::new();
        for id in 1..=QUESTIONS {
            let mut events = session.begin(id, "tools/call", privileged(json!({}))).await;
            let asked = events.until(|message| message["method"] == "elicitation/create").await;
            open.push((events, asked));
        }
        let (events, asked) = &mut open[0];
        session.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": accepted(true) })).await;
        events.until(|message| message["id"] == 1 && message.get("method").is_none()).await
    };
    let answer = timeout(Duration::from_secs(300), answered).await.expect("an answer");
    assert_eq!(answer["result"]["structuredContent"]["status"], "queued", "{answer}");
}

#[tokio::test]
async fn a_client_without_forms_gives_its_word() {
    let desk = Desk::with(SETTINGS);
    let call = |more| privileged(more)["arguments"].clone();
    let (code, _, hint) = desk.mcp.refused("run_privileged_scan", call(json!({}))).await;
    assert_eq!(code, "invalid_argument");
    assert!(hint.contains("confirm: true"), "{hint}");
    desk.mcp.refused("run_privileged_scan", call(json!({ "confirm": false }))).await;
    desk.mcp.ok("run_privileged_scan", call(json!({ "confirm": true }))).await;
    assert_eq!(desk.count().await, 1);
}

#[tokio::test]
async fn nobody_is_asked_where_the_operator_does_not_want_it() {
    let desk = Desk::new();
    let submitted = desk.asking().method("tools/call", privileged(json!({}))).await.expect("submitted");
    assert_eq!(submitted["structuredContent"]["status"], "queued", "{submitted}");
    let has_confirm = |tools: &[Value]| {
        let tool = tools.iter().find(|tool| tool["name"] == "run_privileged_scan").expect("the tool");
        tool["inputSchema"]["properties"].get("confirm").is_some()
    };
    assert!(!has_confirm(&desk.mcp.tools().await));
    assert!(has_confirm(&Desk::with(SETTINGS).mcp.tools().await));
}
