//! A change of the configuration that changes tools is told to whoever wants to know, in both eras; others are not.

use scanhost_it::{session::Session, stream::Events};
use serde_json::{Value, json};

use crate::Desk;

const CHANGED: &str = "notifications/tools/list_changed";

fn is_change(message: &Value) -> bool {
    message["method"] == CHANGED
}

#[tokio::test]
async fn clients_are_told_when_their_tools_change() {
    let desk = Desk::new();
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let mut stream = Events::open(desk.mcp.request("subscriptions/listen", wanted)).await;
    let first = stream.next().await.expect("an acknowledgement");
    assert_eq!(first["params"]["notifications"]["toolsListChanged"], true, "{first}");
    let session = Session::open(&desk.mcp, desk.server.url(), json!({})).await;
    let mut told = Events::open(session.listen()).await;

    desk.home.write("scanhost.yaml", "limits: {poll_seconds: 0.2}\n");
    desk.home.write("scanhost.yaml", "limits: {poll_seconds: 0.2}\nconfirm_privileged: true\n");
    let message = stream.until(is_change).await;
    assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1, "{message}");
    told.until(is_change).await;
    let tools = desk.mcp.tools().await;
    let privileged = tools.iter().find(|tool| tool["name"] == "run_privileged_scan").expect("the tool");
    assert!(privileged["inputSchema"]["properties"]["confirm"].is_object(), "{privileged}");
}
