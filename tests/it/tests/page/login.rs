//! Logging in and out, and what nobody sees who has not.

use scanhost_it::{
    redis::Redis,
    server::{Home, Server},
    visitor::{Seen, Visitor},
};

use crate::{OPERATOR, SCANNERS, TOKENS, completed, guarded, open};

#[tokio::test]
async fn nothing_is_shown_without_a_token() {
    let (_home, server) = guarded();
    let mcp = server.mcp().with_token(OPERATOR);
    let id = completed(&mcp).await;
    let stranger = Visitor::of(&server);
    let of_scan = ["", "/events", "/report", "/findings/csv"].map(|part| format!("/scans/{id}{part}"));
    let paths = ["/", "/events", "/scans", "/scans/new", "/compare", "/nosuch"].map(str::to_owned);
    for path in paths.into_iter().chain(of_scan) {
        let seen = stranger.get(&path).await;
        assert_eq!(seen.code, 401, "{path}");
        assert!(seen.body.contains("<label for=\"token\">"), "{path} asks for a token: {}", seen.body);
        for word in ["mock", "seen by people", "<nav", "10.0.0.1"] {
            assert!(!seen.body.contains(word), "{path} shows {word}");
        }
        let program = server.mcp().http().get(format!("{}{path}", server.url()));
        let seen = Seen::of(program).await;
        assert_eq!((seen.code, seen.body.as_str()), (401, "a valid token is needed\n"), "{path}");
    }
    for path in
        ["/scans", "/pools/mock/pause", "/logout"].map(str::to_owned).into_iter().chain([format!("/scans/{id}/delete")])
    {
        assert_eq!(Seen::of(stranger.form(&path, &[("name", "a")])).await.code, 401, "{path}");
    }
    let still = mcp.ok("get_scan_status", serde_json::json!({ "task_id": id })).await;
    assert_eq!(still["status"], "completed");
}

#[tokio::test]
async fn a_login_is_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let (_home, server) = guarded();
    let stranger = Visitor::of(&server);
    let refused = stranger.send("/login", "/login", &[("token", "a-guess"), ("next", "/scans")]).await;
    assert_eq!((refused.code, refused.cookie()), (401, ""));
    assert!(refused.body.contains("scanhost token new"), "{}", refused.body);

    let let_in = stranger.send("/login", "/login", &[("token", OPERATOR), ("next", "/scans?status=failed")]).await;
    assert_eq!((let_in.code, let_in.header("location")), (303, "/scans?status=failed"));
    let cookie = let_in.cookie();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(OPERATOR), "{cookie}");

    let token = stranger.get("/login").await.form_token();
    for (next, expected) in
        [("https://evil.example", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("/a b", "/")]
    {
        let fields = [("token", OPERATOR), ("next", next), ("form", token.as_str())];
        let seen = Seen::of(stranger.form("/login", &fields).header("x-forwarded-proto", "https")).await;
        assert_eq!(seen.header("location"), expected, "{next}");
        assert!(seen.cookie().ends_with("; Secure"), "behind a proxy with TLS: {}", seen.cookie());
    }
}

#[tokio::test]
async fn a_login_is_for_the_page_alone_and_ends() {
    let (home, server) = guarded();
    let visitor = Visitor::logged_in(&server, OPERATOR).await;
    assert!(visitor.page("/").await.contains("Log out"));
    for path in ["/metrics", "/mcp", "/ready"] {
        let seen = visitor.get(path).await;
        assert!(seen.code == 401 || path == "/ready" && !seen.body.contains("scanners"), "{path}: {}", seen.body);
    }
    // A number of another's making opens nothing.
    let cookie = visitor.cookie.clone().expect("a cookie");
    let (name, number) = cookie.split_once('=').expect("a name and a number");
    let guess: String = number.chars().rev().collect();
    let mut guessing = visitor.clone();
    guessing.cookie = Some(format!("{name}={guess}"));
    assert_eq!(guessing.get("/").await.code, 401);

    let other = Visitor::logged_in(&server, OPERATOR).await;
    let left = other.send("/", "/logout", &[]).await;
    assert_eq!((left.code, left.header("location")), (303, "/login"));
    assert!(left.cookie().contains("Max-Age=0"), "{}", left.cookie());
    assert_eq!(other.get("/").await.code, 401, "who kept the cookie has nothing of it");
    assert_eq!(visitor.get("/").await.code, 200, "another login of the same token goes on");

    server.kill();
    let server = home.start();
    assert_eq!(visitor.at(&server).get("/").await.code, 200, "a login outlives a restart");
    server.kill();
    home.write("scanhost.yaml", &TOKENS.replace(OPERATOR, "another-token"));
    let server = home.start();
    assert_eq!(visitor.at(&server).get("/").await.code, 401, "a login ends with its token's text");
}

#[tokio::test]
async fn every_process_of_a_store_knows_a_login() {
    let redis = Redis::new();
    let config = format!("store: {}\n{TOKENS}", redis.url());
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &config)]);
    let start = || {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--role", "api", "--config"]);
        command.arg(home.config());
        Server::start(command)
    };
    let (first, second) = (start(), start());
    let visitor = Visitor::logged_in(&first, OPERATOR).await;
    assert_eq!(visitor.at(&second).get("/").await.code, 200);
    assert_eq!(visitor.at(&second).send("/", "/logout", &[]).await.code, 303);
    assert_eq!(visitor.get("/").await.code, 401, "a logout counts everywhere");
    let number = visitor.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).expect("a cookie").1.to_owned();
    assert!(!redis.ask(&["KEYS", "*"]).contains(&number), "the store does not have the number itself");
}

#[tokio::test]
async fn without_tokens_nobody_logs_in() {
    let (_home, server) = open();
    let visitor = Visitor::of(&server);
    assert!(!visitor.page("/").await.contains("Log out"));
    assert_eq!(visitor.get("/login").await.header("location"), "/");
}
