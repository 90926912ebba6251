//! Pages of a browser: `Origin` and `Host`.

use scanhost_it::{
    raw::Answer,
    server::{Home, Server},
};
use serde_json::json;

const SCANNERS: &str = "mock: [{instance_id: m1}]";

#[tokio::test]
async fn only_local_and_configured_origins_are_let_in() {
    let origins = "allowed_origins: ['https://tools.example', 'http://10.0.0.5:3000']\n";
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", origins)]);
    let server = home.start();
    let mcp = server.mcp();
    let table = [
        ("http://localhost", true),
        ("http://localhost:5173", true),
        ("http://127.0.0.1:6274", true),
        ("https://tools.example", true),
        ("http://10.0.0.5:3000", true),
        ("https://evil.example", false),
        ("http://localhost.evil.example", false),
        ("http://tools.example", false),
        ("https://tools.example:8443", false),
        ("https://tools.example.evil.example", false),
        ("http://10.0.0.5", false),
        ("null", false),
    ];
    for (origin, is_let_in) in table {
        let answer = Answer::to(mcp.request("tools/list", json!({})).header("origin", origin)).await;
        assert_eq!(answer.code, if is_let_in { 200 } else { 403 }, "{origin}: {}", answer.body);
    }
}

#[tokio::test]
async fn another_host_name_than_ours_is_refused() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let mcp = server.mcp();
    let port = server.url().rsplit(':').next().expect("a port").to_owned();
    let table = [
        (format!("127.0.0.1:{port}"), true),
        (format!("localhost:{port}"), true),
        ("evil.example".to_owned(), false),
        (format!("evil.example:{port}"), false),
        (format!("127.0.0.1.evil.example:{port}"), false),
    ];
    for (host, is_let_in) in table {
        let answer = Answer::to(mcp.request("tools/list", json!({})).header("host", &host)).await;
        assert_eq!(answer.code == 200, is_let_in, "{host}: {} {}", answer.code, answer.body);
        assert!(is_let_in || (400..500).contains(&answer.code), "{host}: {}", answer.code);
    }
}

#[tokio::test]
async fn a_page_elsewhere_does_not_read_how_ready_we_are() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let ready = || server.mcp().http().get(format!("{}/ready", server.url()));
    assert_eq!(Answer::to(ready()).await.code, 200);
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let answer = Answer::to(ready().header(name, value)).await;
        assert!((400..500).contains(&answer.code), "{name} {value}: {} {}", answer.code, answer.body);
    }
}

#[tokio::test]
async fn an_address_that_is_listened_at_is_a_name_of_ours() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = Server::start(home.command(&[
        "serve",
        "--listen",
        "127.0.0.2:0",
        "--config",
        &home.config().display().to_string(),
    ]));
    let mcp = server.mcp();
    let own = server.url().trim_start_matches("http://").to_owned();
    assert!(own.starts_with("127.0.0.2:"), "{own}");
    for (host, is_let_in) in [(own.as_str(), true), ("localhost", true), ("127.0.0.3", false), ("evil.example", false)]
    {
        let answer = Answer::to(mcp.request("tools/list", json!({})).header("host", host)).await;
        assert_eq!(answer.code, if is_let_in { 200 } else { 403 }, "{host}: {}", answer.body);
    }
}

const TOOLS_PAGE: &str = "https://tools.example";

/// What a browser asks before a call of a page.
fn preflight(server: &Server, origin: &str) -> reqwest::RequestBuilder {
    let asks = server.mcp().http().request(reqwest::Method::OPTIONS, format!("{}/mcp", server.url()));
    let asks = asks.header("origin", origin).header("access-control-request-method", "POST");
    asks.header("access-control-request-headers", "authorization,content-type,mcp-protocol-version")
}

#[tokio::test]
async fn pages_that_may_call_are_told_so_and_others_are_not() {
    let settings =
        format!("allowed_origins: ['{TOOLS_PAGE}']\ntokens: [{{name: a, scopes: ['scan:read'], token: abcdefgh}}]\n");
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &settings)]);
    let server = home.start();
    for origin in [TOOLS_PAGE, "http://localhost:6274"] {
        let answer = preflight(&server, origin).send().await.expect("the server answers");
        assert_eq!(answer.status(), 204, "{origin}: no token is needed to ask");
        let said = |name: &str| words(&answer, name);
        assert_eq!(said("access-control-allow-origin"), [origin]);
        assert_eq!(said("access-control-allow-methods"), ["get", "post", "delete"]);
        assert!(said("vary").contains(&"origin".to_owned()));
        let headers = said("access-control-allow-headers");
        for name in [
            "authorization",
            "content-type",
            "accept",
            "mcp-session-id",
            "mcp-protocol-version",
            "last-event-id",
            "mcp-method",
            "mcp-name",
            "traceparent",
            "x-trace-id",
        ] {
            assert!(headers.contains(&name.to_owned()), "{name}: {headers:?}");
        }
        let call = server.mcp().with_token("abcdefgh").request("tools/list", json!({})).header("origin", origin);
        let refused = server.mcp().request("tools/list", json!({})).header("origin", origin);
        for (request, code) in [(call, 200), (refused, 401)] {
            let answer = request.send().await.expect("the server answers");
            assert_eq!(answer.status(), code, "{origin}");
            assert_eq!(words(&answer, "access-control-allow-origin"), [origin], "{code}");
            let read = words(&answer, "access-control-expose-headers");
            for name in ["mcp-session-id", "retry-after"] {
                assert!(read.contains(&name.to_owned()), "{name}: {read:?}");
            }
        }
    }
    let answer = preflight(&server, "https://evil.example").send().await.expect("the server answers");
    assert_eq!(answer.status(), 403);
    assert_eq!(words(&answer, "access-control-allow-origin"), [""; 0]);
    let without = server.mcp().http().request(reqwest::Method::OPTIONS, format!("{}/mcp", server.url()));
    assert_eq!(Answer::to(without).await.code, 401, "what no page asks is no question of a browser");
}

/// The words of a header, in lower case.
fn words(answer: &reqwest::Response, name: &str) -> Vec<String> {
    let values = answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim().to_ascii_lowercase()).collect()
}
