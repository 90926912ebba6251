//! Requests of web pages in a browser: the checks of `Origin` and `Host`, and CORS.

use scanhost_it::{
    http_response::HttpResponse,
    server::{Home, Server},
};
use serde_json::json;

const SCANNERS: &str = "mock: [{instance_id: m1}]";

#[tokio::test]
async fn only_local_and_configured_origins_are_allowed() {
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
    for (origin, is_allowed) in table {
        let answer = HttpResponse::to(mcp.request("tools/list", json!({})).header("origin", origin)).await;
        assert_eq!(answer.code, if is_allowed { 200 } else { 403 }, "{origin}: {}", answer.body);
    }
}

#[tokio::test]
async fn foreign_host_name_is_refused() {
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
    for (host, is_allowed) in table {
        let answer = HttpResponse::to(mcp.request("tools/list", json!({})).header("host", &host)).await;
        assert_eq!(answer.code == 200, is_allowed, "{host}: {} {}", answer.code, answer.body);
        assert!(is_allowed || (400..500).contains(&answer.code), "{host}: {}", answer.code);
    }
}

#[tokio::test]
async fn page_of_a_foreign_origin_cannot_read_ready() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let ready = || server.mcp().http().get(format!("{}/ready", server.url()));
    assert_eq!(HttpResponse::to(ready()).await.code, 200);
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let answer = HttpResponse::to(ready().header(name, value)).await;
        assert!((400..500).contains(&answer.code), "{name} {value}: {} {}", answer.code, answer.body);
    }
}

#[tokio::test]
async fn listen_address_is_an_accepted_host_name() {
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
    for (host, is_allowed) in [(own.as_str(), true), ("localhost", true), ("127.0.0.3", false), ("evil.example", false)]
    {
        let answer = HttpResponse::to(mcp.request("tools/list", json!({})).header("host", host)).await;
        assert_eq!(answer.code, if is_allowed { 200 } else { 403 }, "{host}: {}", answer.body);
    }
}

const TOOLS_PAGE: &str = "https://tools.example";

/// The CORS preflight request that a browser sends before a page may call the server.
fn preflight(server: &Server, origin: &str) -> reqwest::RequestBuilder {
    let request = server.mcp().http().request(reqwest::Method::OPTIONS, format!("{}/mcp", server.url()));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "authorization,content-type,mcp-protocol-version")
}

#[tokio::test]
async fn only_pages_of_allowed_origins_get_cors_headers() {
    let settings =
        format!("allowed_origins: ['{TOOLS_PAGE}']\ntokens: [{{name: a, scopes: ['scan:read'], token: abcdefgh}}]\n");
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &settings)]);
    let server = home.start();
    for origin in [TOOLS_PAGE, "http://localhost:6274"] {
        let answer = preflight(&server, origin).send().await.expect("the server answers");
        assert_eq!(answer.status(), 204, "{origin}: a preflight needs no token");
        let values = |name: &str| header_values(&answer, name);
        assert_eq!(values("access-control-allow-origin"), [origin]);
        assert_eq!(values("access-control-allow-methods"), ["get", "post", "delete"]);
        assert!(values("vary").contains(&"origin".to_owned()));
        let headers = values("access-control-allow-headers");
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
            assert_eq!(header_values(&answer, "access-control-allow-origin"), [origin], "{code}");
            let exposed = header_values(&answer, "access-control-expose-headers");
            for name in ["mcp-session-id", "retry-after"] {
                assert!(exposed.contains(&name.to_owned()), "{name}: {exposed:?}");
            }
        }
    }
    let answer = preflight(&server, "https://evil.example").send().await.expect("the server answers");
    assert_eq!(answer.status(), 403);
    assert_eq!(header_values(&answer, "access-control-allow-origin"), [""; 0]);
    let without = server.mcp().http().request(reqwest::Method::OPTIONS, format!("{}/mcp", server.url()));
    assert_eq!(HttpResponse::to(without).await.code, 401, "OPTIONS without an origin is not a preflight");
}

/// The comma-separated values of a header, in lower case.
fn header_values(answer: &reqwest::Response, name: &str) -> Vec<String> {
    let values = answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|part| part.trim().to_ascii_lowercase()).collect()
}
