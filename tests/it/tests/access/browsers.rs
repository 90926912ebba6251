//! Pages of a browser: `Origin` and `Host`.

use scanhost_it::{raw::Answer, server::Home};
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
