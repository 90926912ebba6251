//! The page shows the same findings as the MCP tools, with the same profiles, filters and pages.

use std::fs;

use scanhost_it::page_client::{PageClient, PageResponse, percent_encoded};
use serde_json::{Map, Value, json};

use crate::{run_scan, start_without_tokens};

/// Queries of the page, each with the equal arguments of `get_scan_results`.
fn queries() -> Vec<(String, Value)> {
    let filter =
        |words: &[&str]| words.iter().map(|word| format!("&filter={}", percent_encoded(word))).collect::<String>();
    vec![
        (String::new(), json!({})),
        ("profile=full&page_size=10".into(), json!({ "schema_profile": "full", "page_size": 10 })),
        ("profile=triage".into(), json!({ "schema_profile": "triage" })),
        ("page_size=10&page=3".into(), json!({ "page_size": 10, "page": 3 })),
        (filter(&["severity=>=High"]), json!({ "filters": { "severity": ">=High" } })),
        (
            filter(&["host=1", "host=3", "cvss_score=>5"]),
            json!({ "filters": { "host": ["1", "3"], "cvss_score": ">5" } }),
        ),
        ("field=exploit_available&value=true".into(), json!({ "filters": { "exploit_available": "true" } })),
        (
            format!("field=severity&value=%21Info{}", filter(&["port=443"])),
            json!({ "filters": { "port": "443", "severity": "!Info" } }),
        ),
    ]
}

fn with_task_id(arguments: &Value, id: &str) -> Value {
    let mut arguments = arguments.as_object().cloned().unwrap_or_default();
    arguments.insert("task_id".into(), id.into());
    arguments.into()
}

/// The text of each cell in this column of the page, without markup.
fn column(page: &str, name: &str) -> Vec<String> {
    let cells = page.split("<td ").skip(1).filter(|cell| cell.contains(&format!("data-label=\"{name}\">")));
    cells
        .map(|cell| {
            text_of(cell.split_once('>').map_or("", |(_, rest)| rest).split("</td>").next().unwrap_or_default())
        })
        .collect()
}

fn text_of(html: &str) -> String {
    html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect()
}

#[tokio::test]
async fn page_shows_the_findings_of_the_tool() {
    let (_home, server) = start_without_tokens();
    let (client, mcp) = (PageClient::new(&server), server.mcp());
    let id = run_scan(&mcp).await;
    for (query, arguments) in queries() {
        let lines = mcp.results(with_task_id(&arguments, &id)).await;
        let page = client.page(&format!("/scans/{id}?{query}")).await;
        let findings: Vec<&Value> = lines.iter().filter(|line| line["type"] == "vulnerability").collect();
        let expected: Vec<String> = findings.iter().map(|finding| finding["plugin_id"].to_string()).collect();
        assert!(!expected.is_empty(), "{query}");
        assert_eq!(column(&page, "plugin_id"), expected, "{query}");
        let names: Vec<&str> = findings.iter().filter_map(|finding| finding["plugin_name"].as_str()).collect();
        assert_eq!(column(&page, "plugin_name"), names, "{query}");
        let total = lines[0]["total_vulnerabilities"].to_string();
        assert!(page.contains(&format!("<strong>{total}</strong> rows")), "{query}: {total}");
    }
}

#[tokio::test]
async fn invalid_query_shows_an_error_and_keeps_the_form() {
    let (_home, server) = start_without_tokens();
    let (client, mcp) = (PageClient::new(&server), server.mcp());
    let id = run_scan(&mcp).await;
    let table = [
        ("filter=nosuch%3D1", "nosuch", "Fields are: "),
        ("filter=severity%3Dawful", "severity", "Filters are an object"),
        ("profile=nosuch", "schema_profile", "Profiles are: "),
        ("page=-1", "is -1", "Pages count from 1"),
        ("page=two", "is not a whole number", "Use a whole number"),
    ];
    for (query, message, hint) in table {
        let response = client.get(&format!("/scans/{id}?{query}")).await;
        assert_eq!(response.code, 400, "{query}");
        let alert =
            response.body.split("role=\"alert\"").nth(1).unwrap_or_else(|| panic!("{query}: {}", response.body));
        assert!(alert.contains(message), "{query}: {alert}");
        assert!(alert.contains(hint), "{query}: {alert}");
        assert!(response.body.contains("id=\"profile\""), "{query}: the form stays on the page");
    }
    let empty = client.page(&format!("/scans/{id}?filter=host%3Dnosuch")).await;
    assert!(empty.contains("No finding matches all filters."), "{empty}");
    let past = client.page(&format!("/scans/{id}?page=99")).await;
    assert!(past.contains("past the end"), "{past}");
}

#[tokio::test]
async fn downloads_have_all_findings_of_the_query() {
    let (_home, server) = start_without_tokens();
    let (client, mcp) = (PageClient::new(&server), server.mcp());
    let id = run_scan(&mcp).await;
    let query = "profile=minimal&page=2&page_size=10&filter=severity%3D%3E%3DMedium";
    let arguments = json!({ "schema_profile": "minimal", "page": 0, "filters": { "severity": ">=Medium" } });
    let lines = mcp.call("get_scan_results", with_task_id(&arguments, &id)).await.text;
    let file = async |name: &str| client.get_bytes(&format!("/scans/{id}/{name}")).await;
    let (headers, jsonl) = file(&format!("findings/jsonl?{query}")).await;
    assert_eq!(String::from_utf8(jsonl).expect("text").trim_end(), lines);
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["content-disposition"], format!("attachment; filename=\"{id}.jsonl\"").as_str());
    let (_, csv) = file(&format!("findings/csv?{query}")).await;
    let csv = String::from_utf8(csv).expect("text");
    assert!(csv.starts_with("host,plugin_id,severity,cve,cvss_score,exploit_available"), "{csv}");
    assert_eq!(csv.lines().count(), lines.lines().count() - 1, "CSV has one header line instead of two");
    let (_, parquet) = file(&format!("findings/parquet?{query}")).await;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let download = mcp.call_ok("download_native_scan", json!({ "task_id": id })).await;
    let (headers, report) = file("report").await;
    assert_eq!(report, fs::read(download["path"].as_str().expect("a path")).expect("the report"));
    assert_eq!(headers["content-length"], download["size"].to_string().as_str());
    let refused: PageResponse = client.get(&format!("/scans/{id}/findings/csv?filter=nosuch%3D1")).await;
    assert_eq!(refused.code, 400);
}

#[tokio::test]
async fn comparison_page_equals_the_tool() {
    let (_home, server) = start_without_tokens();
    let (client, mcp) = (PageClient::new(&server), server.mcp());
    let (earlier, later) = (run_scan(&mcp).await, run_scan(&mcp).await);
    let comparison =
        mcp.call_ok("compare_scans", json!({ "baseline_task_id": earlier, "task_id": later, "limit": 25 })).await;
    let page = client.page(&format!("/compare?baseline_task_id={earlier}&task_id={later}")).await;
    let counts: Map<String, Value> = comparison["counts"].as_object().cloned().expect("counts");
    let figures: Vec<String> =
        page.split("<dd>").skip(1).map(|part| text_of(part.split("</dd>").next().unwrap_or_default())).collect();
    let expected = ["new", "severity_changed", "gone", "still_there"].map(|name| counts[name].to_string());
    assert_eq!(figures, expected);
    let listed: Vec<String> = comparison["still_there"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| change["plugin_id"].to_string())
        .collect();
    assert_eq!(column(&page, "Plugin"), listed);
    assert!(page.contains("skip=25"), "the page links to the next changes");
}
