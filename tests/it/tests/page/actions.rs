//! What people can do, who can, and what keeps other pages from doing it in their name.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use scanhost_it::{
    raw::until,
    server::{Home, Server},
    visitor::{Seen, Visitor},
};
use serde_json::{Value, json};

use crate::{OPERATOR, SCANNERS, completed, guarded, open, submitted};

#[tokio::test]
async fn people_do_what_their_token_allows() {
    let (_home, server) = guarded();
    let mcp = server.mcp().with_token(OPERATOR);
    let id = submitted(&mcp, "slow").await;
    let scan = format!("/scans/{id}");
    let table = [
        // Token, may submit and end scans, may pause pools.
        ("token-of-reader", false, false),
        ("token-of-editor", true, false),
        (OPERATOR, true, true),
    ];
    for (token, may_submit, may_pause) in table {
        let visitor = Visitor::logged_in(&server, token).await;
        let (overview, page) = (visitor.page("/").await, visitor.page(&scan).await);
        assert_eq!(overview.contains("href=\"/scans/new\""), may_submit, "{token}");
        assert_eq!(overview.contains("/pools/slow/pause"), may_pause, "{token}");
        assert_eq!(page.contains(&format!("{scan}/cancel")), may_submit, "{token}");
        assert_eq!(page.contains(&format!("{scan}/delete")), may_submit, "{token}");
        let code = |may: bool| if may { 303 } else { 403 };
        assert_eq!(visitor.send("/", "/pools/slow/pause", &[]).await.code, code(may_pause), "{token}");
        assert_eq!(visitor.send("/", "/pools/slow/resume", &[]).await.code, code(may_pause), "{token}");
        let fields = [("name", "by a person"), ("targets", "10.0.0.1"), ("scanner_pool", "slow")];
        let sent = visitor.send("/", "/scans", &fields).await;
        assert_eq!(sent.code, code(may_submit), "{token}: {}", sent.body);
        if may_submit {
            let made = sent.header("location").to_owned();
            let made_id = made.rsplit('/').next().expect("an id");
            assert_eq!(visitor.send("/", &format!("{made}/cancel"), &[]).await.header("location"), made);
            until(&mcp, made_id, "cancelled").await;
            assert_eq!(visitor.send("/", &format!("{made}/delete"), &[]).await.header("location"), "/scans");
            assert_eq!(visitor.get(&made).await.code, 404);
        } else {
            assert_eq!(visitor.send("/", &format!("{scan}/cancel"), &[]).await.code, 403);
            assert_eq!(visitor.send("/", &format!("{scan}/delete"), &[("force", "true")]).await.code, 403);
        }
    }
    let status = mcp.ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "running", "whoever may not has done nothing");
    let submitter = Visitor::logged_in(&server, "token-of-submitter").await;
    let seen = submitter.get("/").await;
    assert_eq!(seen.code, 403);
    assert!(seen.body.contains("scan:read") && !seen.body.contains("slow"), "{}", seen.body);
}

#[tokio::test]
async fn a_server_that_only_reads_does_nothing_for_people_either() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let mut command = home.serving();
    command.arg("--read-only");
    let server = Server::start(command);
    let visitor = Visitor::of(&server);
    let overview = visitor.page("/").await;
    assert!(!overview.contains("/pause") && !overview.contains("/scans/new"), "{overview}");
    let token = visitor.get("/scans/new").await;
    assert_eq!(token.code, 403);
    let fields = [("name", "a"), ("targets", "10.0.0.1")];
    assert_eq!(visitor.send("/", "/scans", &fields).await.code, 403);
}

#[tokio::test]
async fn no_other_page_acts_in_somebodys_name() {
    let (_home, server) = guarded();
    let visitor = Visitor::logged_in(&server, OPERATOR).await;
    let own = visitor.get("/").await.form_token();
    let others = Visitor::logged_in(&server, OPERATOR).await.get("/").await.form_token();
    let to = "/pools/slow/pause";
    let form = |token: &str| visitor.form(to, &[("form", token)]);
    let plain_text = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
    let refused = [
        ("no token", visitor.form(to, &[])),
        ("a made up one", form("AAAA")),
        ("that of another login", form(&others)),
        ("from another site", form(&own).header("sec-fetch-site", "cross-site")),
        ("from another origin", form(&own).header("origin", "https://evil.example")),
        ("another port's page", form(&own).header("sec-fetch-site", "same-site")),
        ("no form", form(&own).headers(plain_text)),
    ];
    for (what, request) in refused {
        let seen = Seen::of(request).await;
        assert_eq!(seen.code, 403, "{what}: {}", seen.body);
    }
    let too_long = "a".repeat(100_000);
    assert_eq!(Seen::of(visitor.form(to, &[("form", &own), ("more", &too_long)])).await.code, 403);
    assert!(visitor.page("/").await.contains(to), "nothing was paused");
    // As browsers send it from a page that tells no referrer.
    let sent = form(&own).header("origin", "null").header("sec-fetch-site", "same-origin");
    assert_eq!(Seen::of(sent).await.code, 303);
    assert!(visitor.page("/").await.contains("/pools/slow/resume"));
    // Without tokens there is no cookie that other pages could do without.
    let (_home, server) = open();
    let visitor = Visitor::of(&server);
    assert_eq!(Seen::of(visitor.form(to, &[("form", &own)]).header("origin", "http://localhost:5173")).await.code, 403);
    assert_eq!(visitor.send("/", to, &[]).await.code, 303);
}

#[tokio::test]
async fn a_form_that_is_refused_says_why_and_keeps_what_was_filled_in() {
    let (_home, server) = open();
    let visitor = Visitor::of(&server);
    let fields = [("name", "far away"), ("targets", "8.8.8.8 <b>"), ("scanner_pool", "mock")];
    let seen = visitor.send("/scans/new", "/scans", &fields).await;
    assert!((400..500).contains(&seen.code), "{}", seen.code);
    assert!(
        seen.body.contains("value=\"far away\"") && seen.body.contains("8.8.8.8 &lt;b&gt;</textarea>"),
        "{}",
        seen.body
    );
    assert!(seen.body.contains("role=\"alert\""), "{}", seen.body);

    let key = [("idempotency_key", "the-same-form-twice")];
    let fields: Vec<(&str, &str)> = [("name", "near"), ("targets", "10.0.0.1")].into_iter().chain(key).collect();
    let [first, second] = [visitor.send("/", "/scans", &fields).await, visitor.send("/", "/scans", &fields).await];
    assert_eq!((first.code, first.header("location")), (303, second.header("location")), "sent twice is one scan");
}

#[tokio::test]
async fn what_people_do_is_written_down() {
    let (home, server) = guarded();
    let mcp = server.mcp().with_token(OPERATOR);
    let id = completed(&mcp).await;
    Visitor::of(&server).send("/login", "/login", &[("token", "a-guess")]).await;
    let visitor = Visitor::logged_in(&server, "token-of-editor").await;
    visitor.page(&format!("/scans/{id}")).await;
    visitor.send("/login", "/pools/slow/pause", &[]).await;
    visitor.send("/scans", &format!("/scans/{id}/delete"), &[]).await;
    visitor.send("/scans", "/logout", &[]).await;
    let entries = entries(&home).await;
    let fields = |entry: &Value| {
        ["caller", "action", "task_id", "scanner_pool", "outcome"]
            .map(|name| entry[name].as_str().unwrap_or("-").to_owned())
    };
    let seen: Vec<[String; 5]> = entries.iter().filter(|entry| entry["via"] == "page").map(fields).collect();
    let of_scan = id.as_str();
    let expected = [
        ["nobody", "login", "-", "-", "unauthorized"],
        ["editor", "login", "-", "-", "ok"],
        ["editor", "get_scan_results", of_scan, "-", "ok"],
        ["editor", "queue pause", "-", "slow", "bad_form"],
        ["editor", "list_scans", "-", "-", "ok"],
        ["editor", "delete_scan", of_scan, "-", "ok"],
        ["editor", "list_scans", "-", "-", "ok"],
        ["editor", "logout", "-", "-", "ok"],
    ];
    assert_eq!(seen, expected);
    assert!(entries.iter().all(|entry| entry["peer"].is_string()), "{entries:?}");
    assert!(!entries.iter().any(|entry| entry.to_string().contains("a-guess")));
}

/// The entries of the audit log once the page's last one is there, within a bound.
async fn entries(home: &Home) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let entries = home.audit();
        if entries.iter().any(|entry| entry["action"] == "logout") {
            return entries;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{entries:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
