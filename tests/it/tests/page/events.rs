//! Changes that come by themselves.

use scanhost_it::visitor::Visitor;
use serde_json::json;

use crate::{OPERATOR, guarded, submitted};

/// The text of a stream until it has this, within a bound.
async fn until(response: &mut reqwest::Response, text: &str) -> String {
    let reading = async {
        let mut read = String::new();
        while !read.contains(text) {
            let chunk = response.chunk().await.expect("the stream can be read");
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended before {text}: {read}"));
            read.push_str(std::str::from_utf8(&chunk).expect("events are text"));
        }
        read
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), reading).await.expect("it comes in time")
}

#[tokio::test]
async fn the_overview_hears_of_what_changes() {
    let (_home, server) = guarded();
    let visitor = Visitor::logged_in(&server, OPERATOR).await;
    let mut events = visitor.request("/events").send().await.expect("the server answers");
    assert!(events.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/event-stream")));
    let first = until(&mut events, "id=\"plugins\"").await;
    assert!(first.contains("event: part") && first.contains("id=\"pools\""), "{first}");
    assert!(first.contains("/pools/slow/pause") && !first.contains("/pools/slow/resume"), "{first}");
    visitor.send("/", "/pools/slow/pause", &[]).await;
    let changed = until(&mut events, "/pools/slow/resume").await;
    assert!(!changed.contains("id=\"plugins\""), "what has not changed is not sent again: {changed}");
    submitted(&server.mcp().with_token(OPERATOR), "slow").await;
    until(&mut events, "seen by people").await;

    let reader = Visitor::logged_in(&server, "token-of-reader").await;
    let mut events = reader.request("/events").send().await.expect("the server answers");
    let parts = until(&mut events, "id=\"plugins\"").await;
    assert!(!parts.contains("<form"), "who may do nothing is offered nothing: {parts}");
}

#[tokio::test]
async fn a_scan_is_followed_to_its_end() {
    let (_home, server) = guarded();
    let mcp = server.mcp().with_token(OPERATOR);
    let visitor = Visitor::logged_in(&server, OPERATOR).await;
    let id = submitted(&mcp, "slow").await;
    let mut events = visitor.request(&format!("/scans/{id}/events")).send().await.expect("the server answers");
    until(&mut events, "state running").await;
    visitor.send("/", &format!("/scans/{id}/cancel"), &[]).await;
    let end = until(&mut events, "event: reload").await;
    assert!(end.contains("state cancelled"), "{end}");
    while let Some(chunk) = events.chunk().await.expect("the stream can be read") {
        assert!(!String::from_utf8_lossy(&chunk).contains("event: part"), "nothing comes after the end");
    }
    let deleted = submitted(&mcp, "slow").await;
    let mut events = visitor.request(&format!("/scans/{deleted}/events")).send().await.expect("the server answers");
    until(&mut events, "event: part").await;
    mcp.ok("delete_scan", json!({ "task_id": deleted, "force": true })).await;
    until(&mut events, "event: reload").await;
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let (_home, server) = guarded();
    let visitor = Visitor::logged_in(&server, OPERATOR).await;
    let mut events = visitor.request("/events").send().await.expect("the server answers");
    until(&mut events, "id=\"plugins\"").await;
    assert_eq!(server.terminate(), Some(0));
}
