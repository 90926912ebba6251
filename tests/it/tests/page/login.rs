//! Login and logout on the page, and what it shows without a login.

use scanhost_it::{
    page_client::{PageClient, PageResponse},
    redis::Redis,
    server::{Home, Server},
};

use crate::{OPERATOR, SCANNERS, TOKENS, run_scan, start_with_tokens, start_without_tokens};

#[tokio::test]
async fn nothing_is_shown_without_a_login() {
    let (_home, server) = start_with_tokens();
    let mcp = server.mcp().with_token(OPERATOR);
    let id = run_scan(&mcp).await;
    let anonymous = PageClient::new(&server);
    let scan_paths = ["", "/events", "/report", "/findings/csv"].map(|part| format!("/scans/{id}{part}"));
    let paths = ["/", "/events", "/scans", "/scans/new", "/compare", "/nosuch"].map(str::to_owned);
    for path in paths.into_iter().chain(scan_paths) {
        let response = anonymous.get(&path).await;
        assert_eq!(response.code, 401, "{path}");
        assert!(response.body.contains("<label for=\"token\">"), "{path} asks for a token: {}", response.body);
        for word in ["mock", "seen by people", "<nav", "10.0.0.1"] {
            assert!(!response.body.contains(word), "{path} shows {word}");
        }
        let without_accept = server.mcp().http().get(format!("{}{path}", server.url()));
        let response = PageResponse::receive(without_accept).await;
        assert_eq!((response.code, response.body.as_str()), (401, "a valid token is required\n"), "{path}");
    }
    for path in
        ["/scans", "/pools/mock/pause", "/logout"].map(str::to_owned).into_iter().chain([format!("/scans/{id}/delete")])
    {
        assert_eq!(PageResponse::receive(anonymous.form_request(&path, &[("name", "a")])).await.code, 401, "{path}");
    }
    let status = mcp.call_ok("get_scan_status", serde_json::json!({ "task_id": id })).await;
    assert_eq!(status["status"], "completed");
}

#[tokio::test]
async fn login_cookie_is_hidden_from_scripts_and_other_sites() {
    let (_home, server) = start_with_tokens();
    let anonymous = PageClient::new(&server);
    let refused = anonymous.submit_form("/login", "/login", &[("token", "a-guess"), ("next", "/scans")]).await;
    assert_eq!((refused.code, refused.cookie()), (401, ""));
    assert!(refused.body.contains("scanhost token new"), "{}", refused.body);

    let login =
        anonymous.submit_form("/login", "/login", &[("token", OPERATOR), ("next", "/scans?status=failed")]).await;
    assert_eq!((login.code, login.header("location")), (303, "/scans?status=failed"));
    let cookie = login.cookie();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(OPERATOR), "{cookie}");

    let token = anonymous.get("/login").await.form_token();
    for (next, expected) in
        [("https://evil.example", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("/a b", "/")]
    {
        let fields = [("token", OPERATOR), ("next", next), ("form", token.as_str())];
        let response =
            PageResponse::receive(anonymous.form_request("/login", &fields).header("x-forwarded-proto", "https")).await;
        assert_eq!(response.header("location"), expected, "{next}");
        assert!(
            response.cookie().ends_with("; Secure"),
            "a cookie behind a proxy with TLS is secure: {}",
            response.cookie()
        );
    }
}

#[tokio::test]
async fn login_is_valid_for_the_page_only_and_until_logout() {
    let (home, server) = start_with_tokens();
    let client = PageClient::logged_in(&server, OPERATOR).await;
    assert!(client.page("/").await.contains("Log out"));
    for path in ["/metrics", "/mcp", "/ready"] {
        let response = client.get(path).await;
        assert!(
            response.code == 401 || path == "/ready" && !response.body.contains("scanners"),
            "{path}: {}",
            response.body
        );
    }
    // An invented session number is refused.
    let cookie = client.cookie.clone().expect("a cookie");
    let (name, number) = cookie.split_once('=').expect("a name and a number");
    let guess: String = number.chars().rev().collect();
    let mut guesser = client.clone();
    guesser.cookie = Some(format!("{name}={guess}"));
    assert_eq!(guesser.get("/").await.code, 401);

    let other = PageClient::logged_in(&server, OPERATOR).await;
    let logout = other.submit_form("/", "/logout", &[]).await;
    assert_eq!((logout.code, logout.header("location")), (303, "/login"));
    assert!(logout.cookie().contains("Max-Age=0"), "{}", logout.cookie());
    assert_eq!(other.get("/").await.code, 401, "the cookie is invalid after the logout");
    assert_eq!(client.get("/").await.code, 200, "another login with the same token stays valid");

    server.kill();
    let server = home.start();
    assert_eq!(client.at_server(&server).get("/").await.code, 200, "a login survives a restart");
    server.kill();
    home.write("scanhost.yaml", &TOKENS.replace(OPERATOR, "another-token"));
    let server = home.start();
    assert_eq!(client.at_server(&server).get("/").await.code, 401, "a login ends when its token changes");
}

#[tokio::test]
async fn login_is_valid_for_every_process_of_a_store() {
    let redis = Redis::new();
    let config = format!("store: {}\n{TOKENS}", redis.url());
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &config)]);
    let start = || {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--role", "api", "--config"]);
        command.arg(home.config());
        Server::start(command)
    };
    let (first, second) = (start(), start());
    let client = PageClient::logged_in(&first, OPERATOR).await;
    assert_eq!(client.at_server(&second).get("/").await.code, 200);
    assert_eq!(client.at_server(&second).submit_form("/", "/logout", &[]).await.code, 303);
    assert_eq!(client.get("/").await.code, 401, "a logout is valid for every process");
    let number = client.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).expect("a cookie").1.to_owned();
    assert!(!redis.command(&["KEYS", "*"]).contains(&number), "the store has only a digest of the session number");
}

#[tokio::test]
async fn server_without_tokens_has_no_login() {
    let (_home, server) = start_without_tokens();
    let client = PageClient::new(&server);
    assert!(!client.page("/").await.contains("Log out"));
    assert_eq!(client.get("/login").await.header("location"), "/");
}
