//! Notifications about a changed tool list after a reload, with both protocol versions.

use scanhost_it::{event_stream::EventStream, session::Session};
use serde_json::{Value, json};

use crate::TestHost;

const CHANGED: &str = "notifications/tools/list_changed";

fn is_change(message: &Value) -> bool {
    message["method"] == CHANGED
}

#[tokio::test]
async fn clients_are_notified_when_the_tool_list_changes() {
    let host = TestHost::start();
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let mut stream = EventStream::open(host.mcp.request("subscriptions/listen", wanted)).await;
    let first = stream.next().await.expect("an acknowledgement");
    assert_eq!(first["params"]["notifications"]["toolsListChanged"], true, "{first}");
    let session = Session::open(&host.mcp, host.server.url(), json!({})).await;
    let mut session_stream = EventStream::open(session.listen()).await;

    host.home.write("scanhost.yaml", "limits: {poll_seconds: 0.2}\n");
    host.home.write("scanhost.yaml", "limits: {poll_seconds: 0.2}\nconfirm_privileged: true\n");
    let message = stream.wait_for(is_change).await;
    assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1, "{message}");
    session_stream.wait_for(is_change).await;
    let tools = host.mcp.list_tools().await;
    let privileged = tools.iter().find(|tool| tool["name"] == "run_privileged_scan").expect("the tool");
    assert!(privileged["inputSchema"]["properties"]["confirm"].is_object(), "{privileged}");
}
