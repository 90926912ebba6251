//! Resources: the templates, the list and its pages, the errors, and the URIs that answers contain.

use scanhost_it::scans::submit;
use serde_json::{Value, json};

use crate::TestHost;

const UNKNOWN: &str = "01KB4J8ZC0Q2V7N5R3T6W9XYAE";

impl TestHost {
    /// Reads a resource, and returns its text and its media type.
    async fn read(&self, uri: &str) -> (String, String) {
        let read = self.call_method("resources/read", json!({ "uri": uri })).await;
        assert!(read["ttlMs"].is_u64() && read["cacheScope"] == "private", "{uri}: {read}");
        let content = &read["contents"][0];
        assert_eq!(content["uri"], uri);
        let text = |name: &str| content[name].as_str().unwrap_or_else(|| panic!("{uri} has {name}: {read}")).to_owned();
        (text("text"), text("mimeType"))
    }

    async fn read_json(&self, uri: &str) -> Value {
        let (text, kind) = self.read(uri).await;
        assert_eq!(kind, "application/json", "{uri}");
        serde_json::from_str(&text).expect("the text is JSON")
    }
}

#[tokio::test]
async fn resources_equal_the_answers_of_tools() {
    let host = TestHost::start();
    let id = host.run_scan().await;
    let status = host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(host.read_json(&format!("scan://{id}")).await, status);

    let scanners = host.mcp.call_ok("list_scanners", json!({ "scanner_pool": "mock" })).await;
    assert_eq!(host.read_json("scanner://mock/m1").await, scanners["scanners"][0]);

    let profiles = host.mcp.call_ok("list_profiles", json!({})).await;
    let brief = profiles["profiles"].as_array().expect("a list").iter().find(|profile| profile["name"] == "brief");
    assert_eq!(Some(&host.read_json("profile://brief").await), brief);

    let arguments = json!({ "task_id": id, "page": 2, "page_size": 10, "custom_fields": ["host", "port"],
        "filters": { "severity": [">=High", "info"] } });
    let lines = host.mcp.call("get_scan_results", arguments).await.text;
    let filters = "%7B%22severity%22%3A%5B%22%3E%3DHigh%22%2C%22info%22%5D%7D";
    let uri = format!("scan://{id}/results?page=2&page_size=10&custom_fields=host%2Cport&filters={filters}");
    assert_eq!(host.read(&uri).await, (lines, "application/jsonl".to_owned()));
    let everything = host.mcp.call("get_scan_results", json!({ "task_id": id, "page": 0 })).await.text;
    assert_eq!(host.read(&format!("scan://{id}/results?page=0")).await.0, everything);

    for suffix in ["results", "report"] {
        let read = host.call_method("resources/read", json!({ "uri": format!("scan://{id}/{suffix}") })).await;
        assert_eq!(read["_meta"]["trace_id"], status["trace_id"], "{suffix}: {read}");
    }

    let native = host.mcp.call_ok("download_native_scan", json!({ "task_id": id })).await;
    let report = std::fs::read_to_string(native["path"].as_str().expect("a path")).expect("the report is there");
    assert_eq!(host.read(native["uri"].as_str().expect("a URI")).await.0, report);
}

#[tokio::test]
async fn resource_of_a_truncated_answer_has_the_rest_of_the_page() {
    let host = TestHost::start().with_small_answers();
    let id = host.run_scan().await;
    let arguments = json!({ "task_id": id, "page": 1, "page_size": 40, "skip": 3, "filters": { "host": "10." } });
    let first_part = host.mcp.results(arguments).await;
    let truncated = first_part.iter().find(|line| line["type"] == "truncated").expect("the answer is truncated");
    let (lines, _) = host.read(truncated["resource"].as_str().expect("a URI")).await;
    let rest: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let findings = |lines: &[Value]| -> Vec<Value> {
        lines.iter().filter(|line| line["type"] == "vulnerability").cloned().collect()
    };
    let uri = format!("scan://{id}/results?page=1&page_size=40");
    let (whole, _) = host.read(&uri).await;
    let whole: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!findings(&first_part).is_empty() && !findings(&rest).is_empty(), "both parts have findings");
    assert_eq!(
        [findings(&first_part), findings(&rest)].concat(),
        findings(&whole)[3..],
        "the two parts together are the page"
    );
}

#[tokio::test]
async fn templates_and_list_have_every_resource() {
    let host = TestHost::start();
    let templates = host.call_method("resources/templates/list", json!({})).await;
    let templates: Vec<&str> = templates["resourceTemplates"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|template| template["uriTemplate"].as_str())
        .collect();
    let expected = [
        "scan://{task_id}",
        "scan://{task_id}/results{?page,page_size,skip,schema_profile,custom_fields,filters}",
        "scan://{task_id}/report",
        "scanner://{pool}/{instance}",
        "profile://{name}",
    ];
    assert_eq!(templates, expected);

    let mut scans = Vec::new();
    for _ in 0..103 {
        scans.push(format!("scan://{}", submit(&host.mcp, json!({})).await));
    }
    scans.reverse();
    let first = host.call_method("resources/list", json!({})).await;
    let second = host.call_method("resources/list", json!({ "cursor": first["nextCursor"] })).await;
    assert!(second.get("nextCursor").is_none(), "{second}");
    let uris = |listed: &Value| -> Vec<String> {
        let listed = listed["resources"].as_array().expect("a list").iter();
        listed.map(|resource| resource["uri"].as_str().expect("a URI").to_owned()).collect()
    };
    let (first, second) = (uris(&first), uris(&second));
    for uri in ["profile://brief", "profile://minimal", "scanner://mock/m1", "scanner://slow/s1"] {
        assert!(first.iter().any(|known| known == uri), "{uri} is not in {first:?}");
    }
    let listed: Vec<String> = first.into_iter().chain(second).filter(|uri| uri.starts_with("scan://")).collect();
    assert_eq!(listed, scans, "each scan is listed once, newest first");
    for uri in [&listed[0], "profile://brief", "scanner://slow/s1"] {
        host.read_json(uri).await;
    }
}

#[tokio::test]
async fn unreadable_resource_gets_a_code_and_a_hint() {
    let host = TestHost::start();
    let running = host.submit_endless().await;
    let table = [
        (format!("scan://{UNKNOWN}"), "not_found", "list_scans"),
        (format!("scan://{UNKNOWN}/results"), "not_found", "list_scans"),
        ("scan://nonsense".to_owned(), "invalid_argument", "task_id"),
        (format!("scan://{running}/results"), "not_ready", "wait_for_scan"),
        (format!("scan://{running}/report"), "not_ready", "wait_for_scan"),
        (format!("scan://{running}/results?pages=2"), "invalid_argument", "page_size"),
        (format!("scan://{running}?page=2"), "invalid_argument", "results"),
        ("scanner://mock/m9".to_owned(), "not_found", "m1"),
        ("scanner://nowhere/m1".to_owned(), "invalid_argument", "mock"),
        ("profile://nothing".to_owned(), "invalid_argument", "brief"),
        ("file:///etc/passwd".to_owned(), "not_found", "scan://{task_id}"),
    ];
    for (uri, code, hint) in table {
        let error = host.mcp.call_method("resources/read", json!({ "uri": uri })).await.expect_err(&uri);
        assert_eq!((&error["code"], &error["data"]["code"]), (&json!(-32602), &json!(code)), "{uri}: {error}");
        assert!(error["data"]["hint"].as_str().is_some_and(|text| text.contains(hint)), "{uri}: {error}");
    }
    let error = host.mcp.call_method("resources/list", json!({ "cursor": "next" })).await.expect_err("a bad cursor");
    assert_eq!(error["code"], -32602, "{error}");
}

#[tokio::test]
async fn report_over_the_budget_is_refused_with_a_hint() {
    let host = TestHost::start().with_small_answers();
    let id = host.run_scan().await;
    let error = host.mcp.call_method("resources/read", json!({ "uri": format!("scan://{id}/report") })).await;
    let error = error.expect_err("the report is larger than the budget");
    assert!(error["data"]["hint"].as_str().is_some_and(|hint| hint.contains("download_native_scan")), "{error}");
}

impl TestHost {
    /// Restarts the server with a small byte budget for answers.
    fn with_small_answers(self) -> Self {
        let Self { server, home, .. } = self;
        drop(server);
        home.write("scanhost.yaml", "limits: {poll_seconds: 0.1, page_bytes: 4096, all_bytes: 30000}\n");
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }
}
