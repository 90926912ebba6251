//! The event streams that keep an open page up to date.

use scanhost_it::page_client::PageClient;
use serde_json::json;

use crate::{OPERATOR, start_with_tokens, submit};

/// Reads the stream until it contains this text, and returns everything that was read.
async fn read_until(response: &mut reqwest::Response, text: &str) -> String {
    let reading = async {
        let mut read = String::new();
        while !read.contains(text) {
            let chunk = response.chunk().await.expect("the stream can be read");
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended before {text}: {read}"));
            read.push_str(std::str::from_utf8(&chunk).expect("events are text"));
        }
        read
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), reading).await.expect("the text arrives in time")
}

#[tokio::test]
async fn overview_stream_sends_changed_parts() {
    let (_home, server) = start_with_tokens();
    let client = PageClient::logged_in(&server, OPERATOR).await;
    let mut events = client.request("/events").send().await.expect("the server answers");
    assert!(events.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/event-stream")));
    let first = read_until(&mut events, "id=\"plugins\"").await;
    assert!(first.contains("event: part") && first.contains("id=\"pools\""), "{first}");
    assert!(first.contains("/pools/slow/pause") && !first.contains("/pools/slow/resume"), "{first}");
    client.submit_form("/", "/pools/slow/pause", &[]).await;
    let changed = read_until(&mut events, "/pools/slow/resume").await;
    assert!(!changed.contains("id=\"plugins\""), "an unchanged part is not sent again: {changed}");
    submit(&server.mcp().with_token(OPERATOR), "slow").await;
    read_until(&mut events, "seen by people").await;

    let reader = PageClient::logged_in(&server, "token-of-reader").await;
    let mut events = reader.request("/events").send().await.expect("the server answers");
    let parts = read_until(&mut events, "id=\"plugins\"").await;
    assert!(!parts.contains("<form"), "a token that only reads is offered no action: {parts}");
}

#[tokio::test]
async fn scan_stream_follows_a_scan_to_its_end() {
    let (_home, server) = start_with_tokens();
    let mcp = server.mcp().with_token(OPERATOR);
    let client = PageClient::logged_in(&server, OPERATOR).await;
    let id = submit(&mcp, "slow").await;
    let mut events = client.request(&format!("/scans/{id}/events")).send().await.expect("the server answers");
    read_until(&mut events, "state running").await;
    client.submit_form("/", &format!("/scans/{id}/cancel"), &[]).await;
    let end = read_until(&mut events, "event: reload").await;
    assert!(end.contains("state cancelled"), "{end}");
    while let Some(chunk) = events.chunk().await.expect("the stream can be read") {
        assert!(!String::from_utf8_lossy(&chunk).contains("event: part"), "nothing comes after the end");
    }
    let deleted = submit(&mcp, "slow").await;
    let mut events = client.request(&format!("/scans/{deleted}/events")).send().await.expect("the server answers");
    read_until(&mut events, "event: part").await;
    mcp.call_ok("delete_scan", json!({ "task_id": deleted, "force": true })).await;
    read_until(&mut events, "event: reload").await;
}

#[tokio::test]
async fn stream_ends_when_the_server_shuts_down() {
    let (_home, server) = start_with_tokens();
    let client = PageClient::logged_in(&server, OPERATOR).await;
    let mut events = client.request("/events").send().await.expect("the server answers");
    read_until(&mut events, "id=\"plugins\"").await;
    assert_eq!(server.terminate(), Some(0));
}
