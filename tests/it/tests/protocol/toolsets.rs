//! Which tools are offered: by group and read-only, over HTTP, over stdio, and through another process.

use scanhost_it::{
    mcp::PROTOCOL,
    pipe::Pipe,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::{Desk, home};

/// Options, some tools that are there, and some that are not.
type Case = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const CASES: [Case; 4] = [
    (&["--toolsets", "results"], &["get_scan_results", "list_profiles"], &["run_untrusted_scan", "list_pools"]),
    (&["--toolsets", "scan,queue"], &["wait_for_scan", "get_pool_status"], &["get_scan_results", "list_scanners"]),
    (&["--read-only"], &["get_scan_status", "list_pools"], &["run_untrusted_scan", "cancel_scan", "delete_scan"]),
    (&["--toolsets", "scan", "--read-only"], &["list_scans"], &["run_trusted_scan", "cancel_scan", "list_pools"]),
];

fn check_names(options: &[&str], tools: &[Value], has: &[&str], has_not: &[&str]) {
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert!(has.iter().all(|name| names.contains(name)), "{options:?}: {names:?}");
    assert!(!has_not.iter().any(|name| names.contains(name)), "{options:?}: {names:?}");
    if options.contains(&"--read-only") {
        assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true), "{options:?}: {names:?}");
    }
}

#[tokio::test]
async fn http_offers_what_was_chosen() {
    for (options, has, has_not) in CASES {
        let home = home("");
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(options).arg("--config").arg(home.config());
        let server = Server::start(command);
        check_names(options, &server.mcp().tools().await, has, has_not);
        for name in has_not {
            let called = server.mcp().method("tools/call", json!({ "name": name, "arguments": {} })).await;
            let error = called.expect_err("a tool that is not offered cannot be called");
            assert!(error["message"].as_str().is_some_and(|text| text.contains("tools are")), "{error}");
        }
    }
}

fn check_stdio(home: &Home, cases: &[Case]) {
    for (options, has, has_not) in cases {
        let mut command = home.command(&["stdio"]);
        command.args(*options).arg("--config").arg(home.config());
        let mut pipe = Pipe::open(command);
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": PROTOCOL,
            "io.modelcontextprotocol/clientCapabilities": {} });
        let listed =
            pipe.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": meta } }));
        check_names(options, listed["result"]["tools"].as_array().expect("a list"), has, has_not);
        pipe.close();
    }
}

#[test]
fn stdio_offers_what_was_chosen() {
    check_stdio(&home(""), &CASES[3..]);
}

#[tokio::test]
async fn a_second_process_offers_what_was_chosen_there() {
    let desk = Desk::new();
    check_stdio(&desk.home, &CASES[2..]);
    assert!(desk.mcp.tools().await.iter().any(|tool| tool["name"] == "cancel_scan"), "the first one is not changed");
}
