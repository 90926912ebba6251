//! Properties of all pages: security headers, error pages, metrics, and the notice about the configuration.

use std::time::{Duration, Instant};

use scanhost_it::{
    page_client::PageClient,
    redis::Redis,
    scrape::Scrape,
    server::{Home, Server},
};

use crate::{OPERATOR, SCANNERS, run_scan, start_with_tokens, start_without_tokens, submit};

#[tokio::test]
async fn every_answer_has_strict_security_headers() {
    let (_home, server) = start_without_tokens();
    let client = PageClient::new(&server);
    let id = run_scan(&server.mcp()).await;
    let paths = ["/", "/scans", "/scans/new", "/compare", "/nosuch", "/scans/nosuch", "/login", "/assets/page.js"];
    let scan_paths = ["", "/report", "/findings/csv", "/findings/nosuch"].map(|part| format!("/scans/{id}{part}"));
    for path in paths.map(str::to_owned).into_iter().chain(scan_paths) {
        let response = client.get(&path).await;
        let policy = response.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|directive| directive == part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(response.header("referrer-policy"), "no-referrer", "{path}");
        if response.header("content-type").starts_with("text/html") {
            assert_eq!(response.header("cache-control"), "no-store", "{path}");
            for inline in ["<style", " style=", " onclick=", "<script>", "javascript:", "src=\"http", "href=\"http"] {
                assert!(!response.body.contains(inline), "{path} has {inline}");
            }
            assert!(response.body.contains("<meta name=\"viewport\""), "{path}");
        }
    }
}

#[tokio::test]
async fn missing_or_empty_page_says_what_to_do() {
    let (_home, server) = start_without_tokens();
    let client = PageClient::new(&server);
    let empty = client.page("/").await;
    assert!(empty.contains("There are no scans yet.") && empty.contains("No scan is running."), "{empty}");
    assert!(client.page("/compare").await.contains("Two completed scans are needed"));
    let running = submit(&server.mcp(), "slow").await;
    let table = [
        ("/nosuch".to_owned(), 404, "Start from the overview."),
        ("/scans/01KB4J8ZC0Q2V7N5R3T6W9XYAE".to_owned(), 404, "Finished scans are deleted"),
        ("/scans/%3Cb%3E".to_owned(), 400, "task_id"),
        ("/scans?status=nosuch".to_owned(), 400, "Values are: queued, running"),
        ("/scans?target=300.1.1.1".to_owned(), 400, "target takes one address"),
        ("/scans?status=timeout".to_owned(), 200, "No scan matches these filters."),
        (format!("/scans/{running}/report"), 409, "Wait until the scan has ended"),
        (format!("/scans/{running}/findings/csv"), 409, "Wait until the scan has ended"),
        (format!("/compare?baseline_task_id={running}&task_id={running}"), 409, "Wait until the scan has ended"),
    ];
    for (path, code, text) in table {
        let response = client.get(&path).await;
        assert_eq!(response.code, code, "{path}: {}", response.body);
        assert!(response.body.contains(text), "{path}: {}", response.body);
        assert!(response.body.contains("<nav aria-label=\"Main\">"), "{path} has no navigation");
    }
}

#[tokio::test]
async fn page_requests_are_counted_by_route() {
    let (_home, server) = start_with_tokens();
    let mcp = server.mcp().with_token(OPERATOR);
    let client = PageClient::logged_in(&server, OPERATOR).await;
    let id = run_scan(&mcp).await;
    client.page("/").await;
    client.page(&format!("/scans/{id}")).await;
    client.get("/scans/nosuch").await;
    PageClient::new(&server).get("/").await;
    for nosuch in ["/nosuch", "/scans/a/b/c"] {
        client.get(nosuch).await;
    }
    let scrape = Scrape::fetch(&mcp, server.url(), OPERATOR).await;
    let count = |route: &str, code: u16| {
        scrape.value(&format!("scanhost_http_requests_total{{route=\"{route}\",code=\"{code}\"}}"))
    };
    assert_eq!(count("/", 200), Some(1.0));
    assert_eq!(count("/", 401), Some(1.0));
    assert_eq!(count("/login", 303), Some(1.0));
    assert_eq!(count("/scans/{task_id}", 200), Some(1.0));
    assert_eq!(count("/scans/{task_id}", 400), Some(1.0));
    assert_eq!(count("unknown", 404), Some(2.0));
}

#[tokio::test]
async fn overview_shows_the_outcome_of_a_reload() {
    let (home, server) = start_without_tokens();
    let client = PageClient::new(&server);
    let wait_for_text = async |text: &str| {
        let start = Instant::now();
        while !client.page("/").await.contains(text) {
            assert!(start.elapsed() < Duration::from_secs(30), "the page does not show {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    wait_for_text("Generation 1 of the configuration is in use").await;
    home.write("scanners.yaml", "mock: [{instance_id: m1, nosuchkey: 1}]");
    wait_for_text("nosuchkey").await;
    wait_for_text("Generation 1 stays in use.").await;
    home.write("scanners.yaml", "mock: [{instance_id: another1}]");
    wait_for_text("mock/another1").await;
    wait_for_text("Generation 2 of the configuration is in use").await;
}

#[tokio::test]
async fn worker_has_no_page() {
    let redis = Redis::new();
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &format!("store: {}\n", redis.url()))]);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--role", "worker", "--config"]);
    command.arg(home.config());
    let worker = Server::start(command);
    assert_eq!(PageClient::new(&worker).get("/").await.code, 404);
}
