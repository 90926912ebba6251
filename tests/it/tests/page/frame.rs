//! What every page has, and what is counted of them.

use std::time::{Duration, Instant};

use scanhost_it::{
    redis::Redis,
    scrape::Scrape,
    server::{Home, Server},
    visitor::Visitor,
};

use crate::{OPERATOR, SCANNERS, completed, guarded, open, submitted};

#[tokio::test]
async fn every_answer_tells_the_browser_to_trust_nothing_else() {
    let (_home, server) = open();
    let visitor = Visitor::of(&server);
    let id = completed(&server.mcp()).await;
    let paths = ["/", "/scans", "/scans/new", "/compare", "/nosuch", "/scans/nosuch", "/login", "/assets/page.js"];
    let of_scan = ["", "/report", "/findings/csv", "/findings/nosuch"].map(|part| format!("/scans/{id}{part}"));
    for path in paths.map(str::to_owned).into_iter().chain(of_scan) {
        let seen = visitor.get(&path).await;
        let policy = seen.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|directive| directive == part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(seen.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(seen.header("referrer-policy"), "no-referrer", "{path}");
        if seen.header("content-type").starts_with("text/html") {
            assert_eq!(seen.header("cache-control"), "no-store", "{path}");
            for inline in ["<style", " style=", " onclick=", "<script>", "javascript:", "src=\"http", "href=\"http"] {
                assert!(!seen.body.contains(inline), "{path} has {inline}");
            }
            assert!(seen.body.contains("<meta name=\"viewport\""), "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_to_do() {
    let (_home, server) = open();
    let visitor = Visitor::of(&server);
    let empty = visitor.page("/").await;
    assert!(empty.contains("There are no scans yet.") && empty.contains("Nothing runs now."), "{empty}");
    assert!(visitor.page("/compare").await.contains("It takes two completed scans"));
    let running = submitted(&server.mcp(), "slow").await;
    let table = [
        ("/nosuch".to_owned(), 404, "The overview leads to everything"),
        ("/scans/01KB4J8ZC0Q2V7N5R3T6W9XYAE".to_owned(), 404, "Finished scans are deleted"),
        ("/scans/%3Cb%3E".to_owned(), 400, "task_id"),
        ("/scans?status=nosuch".to_owned(), 400, "Values are: queued, running"),
        ("/scans?target=300.1.1.1".to_owned(), 400, "target takes one address"),
        ("/scans?status=timeout".to_owned(), 200, "No scan is like that."),
        (format!("/scans/{running}/report"), 409, "Wait until the scan has ended"),
        (format!("/scans/{running}/findings/csv"), 409, "Wait until the scan has ended"),
        (format!("/compare?baseline_task_id={running}&task_id={running}"), 409, "Wait until the scan has ended"),
    ];
    for (path, code, text) in table {
        let seen = visitor.get(&path).await;
        assert_eq!(seen.code, code, "{path}: {}", seen.body);
        assert!(seen.body.contains(text), "{path}: {}", seen.body);
        assert!(seen.body.contains("<nav aria-label=\"Main\">"), "{path} leads on");
    }
}

#[tokio::test]
async fn pages_are_counted_by_routes_of_ours() {
    let (_home, server) = guarded();
    let mcp = server.mcp().with_token(OPERATOR);
    let visitor = Visitor::logged_in(&server, OPERATOR).await;
    let id = completed(&mcp).await;
    visitor.page("/").await;
    visitor.page(&format!("/scans/{id}")).await;
    visitor.get("/scans/nosuch").await;
    Visitor::of(&server).get("/").await;
    for nosuch in ["/nosuch", "/scans/a/b/c"] {
        visitor.get(nosuch).await;
    }
    let told = Scrape::of(&mcp, server.url(), OPERATOR).await;
    let counted = |route: &str, code: u16| {
        told.value(&format!("scanhost_http_requests_total{{route=\"{route}\",code=\"{code}\"}}"))
    };
    assert_eq!(counted("/", 200), Some(1.0));
    assert_eq!(counted("/", 401), Some(1.0));
    assert_eq!(counted("/login", 303), Some(1.0));
    assert_eq!(counted("/scans/{task_id}", 200), Some(1.0));
    assert_eq!(counted("/scans/{task_id}", 400), Some(1.0));
    assert_eq!(counted("unknown", 404), Some(2.0));
}

#[tokio::test]
async fn what_became_of_a_changed_configuration_is_said() {
    let (home, server) = open();
    let visitor = Visitor::of(&server);
    let until = async |text: &str| {
        let start = Instant::now();
        while !visitor.page("/").await.contains(text) {
            assert!(start.elapsed() < Duration::from_secs(30), "the page does not say {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    until("Generation 1 of the configuration is in use").await;
    home.write("scanners.yaml", "mock: [{instance_id: m1, nosuchkey: 1}]");
    until("nosuchkey").await;
    until("Generation 1 stays in use.").await;
    home.write("scanners.yaml", "mock: [{instance_id: another1}]");
    until("mock/another1").await;
    until("Generation 2 of the configuration is in use").await;
}

#[tokio::test]
async fn a_worker_has_no_page() {
    let redis = Redis::new();
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &format!("store: {}\n", redis.url()))]);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--role", "worker", "--config"]);
    command.arg(home.config());
    let worker = Server::start(command);
    assert_eq!(Visitor::of(&worker).get("/").await.code, 404);
}
