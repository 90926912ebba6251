//! Subscriptions: who is told of which changes, in both eras.

use scanhost_it::{
    raw::{submit, until},
    session::Session,
    stream::Events,
};
use serde_json::{Value, json};

use crate::Desk;

const UPDATED: &str = "notifications/resources/updated";

impl Desk {
    /// A stream that tells of these resources, once the server has said so.
    pub async fn listen(&self, uris: &[&str]) -> Events {
        let wanted = json!({ "notifications": { "resourceSubscriptions": uris } });
        let mut events = Events::open(self.mcp.request("subscriptions/listen", wanted)).await;
        let first = events.next().await.expect("an acknowledgement");
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        events
    }
}

fn is_update(uri: &str) -> impl Fn(&Value) -> bool + '_ {
    move |message| message["method"] == UPDATED && message["params"]["uri"] == uri
}

#[tokio::test]
async fn a_stream_tells_of_every_state_of_a_scan() {
    let desk = Desk::new();
    let blocking = desk.endless().await;
    until(&desk.mcp, &blocking, "running").await;
    let waiting = desk.endless().await;
    let (status, results) = (format!("scan://{waiting}"), format!("scan://{waiting}/results"));
    let mut events = desk.listen(&[&status, &results, "file:///etc/passwd"]).await;
    let tagged = |message: &Value| message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1;

    desk.mcp.ok("cancel_scan", json!({ "task_id": blocking })).await;
    let started = events.until(is_update(&status)).await;
    assert!(tagged(&started), "{started}");
    until(&desk.mcp, &waiting, "running").await;
    desk.mcp.ok("cancel_scan", json!({ "task_id": waiting })).await;
    until(&desk.mcp, &waiting, "cancelled").await;
    events.until(is_update(&results)).await;
    let mut events = desk.listen(&[&status]).await;
    desk.mcp.ok("delete_scan", json!({ "task_id": waiting })).await;
    events.until(is_update(&status)).await;
}

#[tokio::test]
async fn a_stream_tells_of_scanners_reports_and_profiles() {
    let home = crate::home("");
    home.write("profiles.yaml", "soc: {fields: [host]}\n");
    let server = home.start();
    let desk = Desk { mcp: server.mcp(), server, home };
    let id = submit(&desk.mcp, json!({ "scanner_pool": "brief" })).await;
    let report = format!("scan://{id}/report");
    let mut events = desk.listen(&[&report, "scanner://slow/s1", "profile://soc"]).await;
    events.until(is_update(&report)).await;
    desk.endless().await;
    events.until(is_update("scanner://slow/s1")).await;
    desk.home.write("profiles.yaml", "soc: {fields: [host, port]}\n");
    events.until(is_update("profile://soc")).await;
}

#[tokio::test]
async fn a_stream_ends_with_a_result_when_the_server_does() {
    let desk = Desk::new();
    let id = desk.endless().await;
    let mut events = desk.listen(&[&format!("scan://{id}")]).await;
    let ending = tokio::task::spawn_blocking(move || desk.server.terminate());
    let last = events.until(|message| message.get("result").is_some()).await;
    assert_eq!(last["id"], 1, "{last}");
    assert_eq!(ending.await.expect("no panic"), Some(0));
}

#[tokio::test]
async fn a_session_is_told_until_it_unsubscribes_also_by_the_next_process() {
    let desk = Desk::new();
    let blocking = desk.endless().await;
    until(&desk.mcp, &blocking, "running").await;
    let waiting = desk.endless().await;
    let uri = format!("scan://{waiting}");
    let session = Session::open(&desk.mcp, desk.server.url(), json!({})).await;
    session.method(1, "resources/subscribe", json!({ "uri": uri })).await.expect("subscribed");
    let error = session.method(2, "resources/subscribe", json!({ "uri": "scan://nonsense" })).await;
    error.expect_err("there is nothing to subscribe to");

    let desk = desk.killed();
    let session = session.at(desk.server.url());
    let mut events = Events::open(session.listen()).await;
    desk.mcp.ok("cancel_scan", json!({ "task_id": blocking })).await;
    events.until(is_update(&uri)).await;

    session.method(3, "resources/unsubscribe", json!({ "uri": uri })).await.expect("unsubscribed");
    let other = format!("scan://{waiting}/results");
    session.method(4, "resources/subscribe", json!({ "uri": other })).await.expect("subscribed");
    desk.mcp.ok("cancel_scan", json!({ "task_id": waiting })).await;
    let told = events.until(|message| message["method"] == UPDATED && message["params"]["uri"] == other.as_str());
    told.await;
}
