//! Actions on the page: which tokens permit them, and the protection against requests that other sites forge.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use scanhost_it::{
    page_client::{PageClient, PageResponse},
    scans::wait_for_status,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::{OPERATOR, SCANNERS, run_scan, start_with_tokens, start_without_tokens, submit};

#[tokio::test]
async fn page_permits_only_actions_of_the_scopes() {
    let (_home, server) = start_with_tokens();
    let mcp = server.mcp().with_token(OPERATOR);
    let id = submit(&mcp, "slow").await;
    let scan = format!("/scans/{id}");
    let table = [
        // The columns are the token, whether it may submit and end scans, and whether it may pause pools.
        ("token-of-reader", false, false),
        ("token-of-editor", true, false),
        (OPERATOR, true, true),
    ];
    for (token, may_submit, may_pause) in table {
        let client = PageClient::logged_in(&server, token).await;
        let (overview, page) = (client.page("/").await, client.page(&scan).await);
        assert_eq!(overview.contains("href=\"/scans/new\""), may_submit, "{token}");
        assert_eq!(overview.contains("/pools/slow/pause"), may_pause, "{token}");
        assert_eq!(page.contains(&format!("{scan}/cancel")), may_submit, "{token}");
        assert_eq!(page.contains(&format!("{scan}/delete")), may_submit, "{token}");
        let code = |may: bool| if may { 303 } else { 403 };
        assert_eq!(client.submit_form("/", "/pools/slow/pause", &[]).await.code, code(may_pause), "{token}");
        assert_eq!(client.submit_form("/", "/pools/slow/resume", &[]).await.code, code(may_pause), "{token}");
        let fields = [("name", "by a person"), ("targets", "10.0.0.1"), ("scanner_pool", "slow")];
        let response = client.submit_form("/", "/scans", &fields).await;
        assert_eq!(response.code, code(may_submit), "{token}: {}", response.body);
        if may_submit {
            let created = response.header("location").to_owned();
            let created_id = created.rsplit('/').next().expect("an id");
            assert_eq!(client.submit_form("/", &format!("{created}/cancel"), &[]).await.header("location"), created);
            wait_for_status(&mcp, created_id, "cancelled").await;
            assert_eq!(client.submit_form("/", &format!("{created}/delete"), &[]).await.header("location"), "/scans");
            assert_eq!(client.get(&created).await.code, 404);
        } else {
            assert_eq!(client.submit_form("/", &format!("{scan}/cancel"), &[]).await.code, 403);
            assert_eq!(client.submit_form("/", &format!("{scan}/delete"), &[("force", "true")]).await.code, 403);
        }
    }
    let status = mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "running", "no token without the permission has changed the scan");
    let submitter = PageClient::logged_in(&server, "token-of-submitter").await;
    let response = submitter.get("/").await;
    assert_eq!(response.code, 403);
    assert!(response.body.contains("scan:read") && !response.body.contains("slow"), "{}", response.body);
}

#[tokio::test]
async fn read_only_server_permits_no_action_on_the_page() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let mut command = home.serve_command();
    command.arg("--read-only");
    let server = Server::start(command);
    let client = PageClient::new(&server);
    let overview = client.page("/").await;
    assert!(!overview.contains("/pause") && !overview.contains("/scans/new"), "{overview}");
    let form = client.get("/scans/new").await;
    assert_eq!(form.code, 403);
    let fields = [("name", "a"), ("targets", "10.0.0.1")];
    assert_eq!(client.submit_form("/", "/scans", &fields).await.code, 403);
}

#[tokio::test]
async fn forged_form_is_refused() {
    let (_home, server) = start_with_tokens();
    let client = PageClient::logged_in(&server, OPERATOR).await;
    let own = client.get("/").await.form_token();
    let foreign = PageClient::logged_in(&server, OPERATOR).await.get("/").await.form_token();
    let to = "/pools/slow/pause";
    let form = |token: &str| client.form_request(to, &[("form", token)]);
    let plain_text = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
    let refused = [
        ("no token", client.form_request(to, &[])),
        ("an invented token", form("AAAA")),
        ("the token of another login", form(&foreign)),
        ("from another site", form(&own).header("sec-fetch-site", "cross-site")),
        ("from another origin", form(&own).header("origin", "https://evil.example")),
        ("from the same site on another port", form(&own).header("sec-fetch-site", "same-site")),
        ("another content type", form(&own).headers(plain_text)),
    ];
    for (name, request) in refused {
        let response = PageResponse::receive(request).await;
        assert_eq!(response.code, 403, "{name}: {}", response.body);
    }
    let too_long = "a".repeat(100_000);
    assert_eq!(PageResponse::receive(client.form_request(to, &[("form", &own), ("more", &too_long)])).await.code, 403);
    assert!(client.page("/").await.contains(to), "nothing was paused");
    // Browsers send these headers from a page with the policy `no-referrer`.
    let request = form(&own).header("origin", "null").header("sec-fetch-site", "same-origin");
    assert_eq!(PageResponse::receive(request).await.code, 303);
    assert!(client.page("/").await.contains("/pools/slow/resume"));
    // A server without tokens needs no cookie, so the form token alone must protect it.
    let (_home, server) = start_without_tokens();
    let client = PageClient::new(&server);
    assert_eq!(
        PageResponse::receive(client.form_request(to, &[("form", &own)]).header("origin", "http://localhost:5173"))
            .await
            .code,
        403
    );
    assert_eq!(client.submit_form("/", to, &[]).await.code, 303);
}

#[tokio::test]
async fn refused_form_shows_the_error_and_keeps_its_values() {
    let (_home, server) = start_without_tokens();
    let client = PageClient::new(&server);
    let fields = [("name", "far away"), ("targets", "8.8.8.8 <b>"), ("scanner_pool", "mock")];
    let response = client.submit_form("/scans/new", "/scans", &fields).await;
    assert!((400..500).contains(&response.code), "{}", response.code);
    assert!(
        response.body.contains("value=\"far away\"") && response.body.contains("8.8.8.8 &lt;b&gt;</textarea>"),
        "{}",
        response.body
    );
    assert!(response.body.contains("role=\"alert\""), "{}", response.body);

    let key = [("idempotency_key", "the-same-form-twice")];
    let fields: Vec<(&str, &str)> = [("name", "near"), ("targets", "10.0.0.1")].into_iter().chain(key).collect();
    let [first, second] =
        [client.submit_form("/", "/scans", &fields).await, client.submit_form("/", "/scans", &fields).await];
    assert_eq!(
        (first.code, first.header("location")),
        (303, second.header("location")),
        "the form that was sent twice made one scan"
    );
}

#[tokio::test]
async fn actions_on_the_page_are_audited() {
    let (home, server) = start_with_tokens();
    let mcp = server.mcp().with_token(OPERATOR);
    let id = run_scan(&mcp).await;
    PageClient::new(&server).submit_form("/login", "/login", &[("token", "a-guess")]).await;
    let client = PageClient::logged_in(&server, "token-of-editor").await;
    client.page(&format!("/scans/{id}")).await;
    client.submit_form("/login", "/pools/slow/pause", &[]).await;
    client.submit_form("/scans", &format!("/scans/{id}/delete"), &[]).await;
    client.submit_form("/scans", "/logout", &[]).await;
    let entries = wait_for_entries(&home).await;
    let fields = |entry: &Value| {
        ["caller", "action", "task_id", "scanner_pool", "outcome"]
            .map(|name| entry[name].as_str().unwrap_or("-").to_owned())
    };
    let response: Vec<[String; 5]> = entries.iter().filter(|entry| entry["via"] == "page").map(fields).collect();
    let id = id.as_str();
    let expected = [
        ["nobody", "login", "-", "-", "unauthorized"],
        ["editor", "login", "-", "-", "ok"],
        ["editor", "get_scan_results", id, "-", "ok"],
        ["editor", "queue pause", "-", "slow", "bad_form"],
        ["editor", "list_scans", "-", "-", "ok"],
        ["editor", "delete_scan", id, "-", "ok"],
        ["editor", "list_scans", "-", "-", "ok"],
        ["editor", "logout", "-", "-", "ok"],
    ];
    assert_eq!(response, expected);
    assert!(entries.iter().all(|entry| entry["peer"].is_string()), "{entries:?}");
    assert!(!entries.iter().any(|entry| entry.to_string().contains("a-guess")));
}

/// Waits until the audit log has the entry of the logout, and returns all entries.
async fn wait_for_entries(home: &Home) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let entries = home.audit_entries();
        if entries.iter().any(|entry| entry["action"] == "logout") {
            return entries;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{entries:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn administrator_retries_all_dead_letters_of_a_pool() {
    let scanners = "broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: launch}}]";
    let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", "default_pool: broken\n")]);
    let server = home.start();
    let (mcp, client) = (server.mcp(), PageClient::new(&server));
    assert!(!client.page("/").await.contains("/pools/broken/retry"));
    let failed = submit(&mcp, "broken").await;
    wait_for_status(&mcp, &failed, "failed").await;
    let response = client.submit_form("/", "/pools/broken/retry", &[]).await;
    assert_eq!((response.code, response.header("location")), (303, "/#pools"), "{}", response.body);
    let scans = mcp.call_ok("list_scans", json!({})).await["scans"].clone();
    let retries: Vec<&Value> = scans.as_array().expect("a list").iter().map(|scan| &scan["retry_of"]).collect();
    assert!(retries.contains(&&json!(failed)), "{scans}");
}
