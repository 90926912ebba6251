//! Subscriptions to changes of resources, with both protocol versions.

use scanhost_it::{
    event_stream::EventStream,
    scans::{submit, wait_for_status},
    session::Session,
};
use serde_json::{Value, json};

use crate::TestHost;

const UPDATED: &str = "notifications/resources/updated";

impl TestHost {
    /// Subscribes to these resources, waits for the acknowledgement, and returns the stream.
    pub async fn listen(&self, uris: &[&str]) -> EventStream {
        let wanted = json!({ "notifications": { "resourceSubscriptions": uris } });
        let mut events = EventStream::open(self.mcp.request("subscriptions/listen", wanted)).await;
        let first = events.next().await.expect("an acknowledgement");
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        events
    }
}

fn is_update(uri: &str) -> impl Fn(&Value) -> bool + '_ {
    move |message| message["method"] == UPDATED && message["params"]["uri"] == uri
}

#[tokio::test]
async fn stream_reports_every_state_of_a_scan() {
    let host = TestHost::start();
    let blocking = host.submit_endless().await;
    wait_for_status(&host.mcp, &blocking, "running").await;
    let waiting = host.submit_endless().await;
    let (status, results) = (format!("scan://{waiting}"), format!("scan://{waiting}/results"));
    let mut events = host.listen(&[&status, &results, "file:///etc/passwd"]).await;
    let has_subscription_id =
        |message: &Value| message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1;

    host.mcp.call_ok("cancel_scan", json!({ "task_id": blocking })).await;
    let started = events.wait_for(is_update(&status)).await;
    assert!(has_subscription_id(&started), "{started}");
    wait_for_status(&host.mcp, &waiting, "running").await;
    host.mcp.call_ok("cancel_scan", json!({ "task_id": waiting })).await;
    wait_for_status(&host.mcp, &waiting, "cancelled").await;
    events.wait_for(is_update(&results)).await;
    let mut events = host.listen(&[&status]).await;
    host.mcp.call_ok("delete_scan", json!({ "task_id": waiting })).await;
    events.wait_for(is_update(&status)).await;
}

#[tokio::test]
async fn stream_reports_changes_of_scanners_reports_and_profiles() {
    let home = crate::home("");
    home.write("profiles.yaml", "soc: {fields: [host]}\n");
    let server = home.start();
    let host = TestHost { mcp: server.mcp(), server, home };
    let id = submit(&host.mcp, json!({ "scanner_pool": "brief" })).await;
    let report = format!("scan://{id}/report");
    let mut events = host.listen(&[&report, "scanner://slow/s1", "profile://soc"]).await;
    events.wait_for(is_update(&report)).await;
    host.submit_endless().await;
    events.wait_for(is_update("scanner://slow/s1")).await;
    host.home.write("profiles.yaml", "soc: {fields: [host, port]}\n");
    events.wait_for(is_update("profile://soc")).await;
}

#[tokio::test]
async fn stream_ends_with_a_result_at_shutdown() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    let mut events = host.listen(&[&format!("scan://{id}")]).await;
    let ending = tokio::task::spawn_blocking(move || host.server.terminate());
    let last = events.wait_for(|message| message.get("result").is_some()).await;
    assert_eq!(last["id"], 1, "{last}");
    assert_eq!(ending.await.expect("no panic"), Some(0));
}

#[tokio::test]
async fn session_subscription_survives_a_restart_until_unsubscribed() {
    let host = TestHost::start();
    let blocking = host.submit_endless().await;
    wait_for_status(&host.mcp, &blocking, "running").await;
    let waiting = host.submit_endless().await;
    let uri = format!("scan://{waiting}");
    let session = Session::open(&host.mcp, host.server.url(), json!({})).await;
    session.call_method(1, "resources/subscribe", json!({ "uri": uri })).await.expect("subscribed");
    let error = session.call_method(2, "resources/subscribe", json!({ "uri": "scan://nonsense" })).await;
    error.expect_err("an unknown resource is refused");

    let host = host.kill_and_restart();
    let session = session.at_server(host.server.url());
    let mut events = EventStream::open(session.listen()).await;
    host.mcp.call_ok("cancel_scan", json!({ "task_id": blocking })).await;
    events.wait_for(is_update(&uri)).await;

    session.call_method(3, "resources/unsubscribe", json!({ "uri": uri })).await.expect("unsubscribed");
    let other = format!("scan://{waiting}/results");
    session.call_method(4, "resources/subscribe", json!({ "uri": other })).await.expect("subscribed");
    host.mcp.call_ok("cancel_scan", json!({ "task_id": waiting })).await;
    let update = events.wait_for(|message| message["method"] == UPDATED && message["params"]["uri"] == other.as_str());
    update.await;
}
