//! The tools that `--toolsets` and `--read-only` offer: over HTTP, over stdio, and in a second process.

use scanhost_it::{
    mcp::PROTOCOL,
    server::{Home, Server},
    stdio_client::StdioClient,
};
use serde_json::{Value, json};

use crate::{TestHost, home};

/// Options, some tools that are offered with them, and some that are not.
type Case = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const CASES: [Case; 4] = [
    (&["--toolsets", "results"], &["get_scan_results", "list_profiles"], &["run_untrusted_scan", "list_pools"]),
    (&["--toolsets", "scan,queue"], &["wait_for_scan", "get_pool_status"], &["get_scan_results", "list_scanners"]),
    (&["--read-only"], &["get_scan_status", "list_pools"], &["run_untrusted_scan", "cancel_scan", "delete_scan"]),
    (&["--toolsets", "scan", "--read-only"], &["list_scans"], &["run_trusted_scan", "cancel_scan", "list_pools"]),
];

fn check_names(options: &[&str], tools: &[Value], offered: &[&str], not_offered: &[&str]) {
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert!(offered.iter().all(|name| names.contains(name)), "{options:?}: {names:?}");
    assert!(!not_offered.iter().any(|name| names.contains(name)), "{options:?}: {names:?}");
    if options.contains(&"--read-only") {
        assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true), "{options:?}: {names:?}");
    }
}

#[tokio::test]
async fn http_server_offers_the_chosen_tools() {
    for (options, offered, not_offered) in CASES {
        let home = home("");
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(options).arg("--config").arg(home.config());
        let server = Server::start(command);
        check_names(options, &server.mcp().list_tools().await, offered, not_offered);
        for name in not_offered {
            let called = server.mcp().call_method("tools/call", json!({ "name": name, "arguments": {} })).await;
            let error = called.expect_err("a tool that is not offered cannot be called");
            assert!(error["message"].as_str().is_some_and(|text| text.contains("tools are")), "{error}");
        }
    }
}

fn check_stdio(home: &Home, cases: &[Case]) {
    for (options, offered, not_offered) in cases {
        let mut command = home.command(&["stdio"]);
        command.args(*options).arg("--config").arg(home.config());
        let mut client = StdioClient::start(command);
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": PROTOCOL,
            "io.modelcontextprotocol/clientCapabilities": {} });
        let listed =
            client.request(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": meta } }));
        check_names(options, listed["result"]["tools"].as_array().expect("a list"), offered, not_offered);
        client.close();
    }
}

#[test]
fn stdio_server_offers_the_chosen_tools() {
    check_stdio(&home(""), &CASES[3..]);
}

#[tokio::test]
async fn second_process_offers_its_own_choice_of_tools() {
    let host = TestHost::start();
    check_stdio(&host.home, &CASES[2..]);
    assert!(
        host.mcp.list_tools().await.iter().any(|tool| tool["name"] == "cancel_scan"),
        "the first process offers its own tools"
    );
}
