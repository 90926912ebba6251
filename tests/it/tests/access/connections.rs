//! Too many connections, and slow or silent ones: they are refused or bounded, and other clients are served meanwhile.

use std::time::Duration;

use reqwest::Body;
use scanhost_it::{
    http_response::HttpResponse,
    scans::submit,
    server::{Home, Server},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{interval, timeout},
};

const SCANNERS: &str = "mock: [{instance_id: m1}]";
const BOUND: Duration = Duration::from_secs(20);

fn start(limits: &str) -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &format!("limits: {{{limits}}}\n"))]);
    let server = home.start();
    (home, server)
}

async fn connect(server: &Server) -> TcpStream {
    let address = server.url().strip_prefix("http://").expect("an HTTP address").to_owned();
    TcpStream::connect(address).await.expect("a connection")
}

/// Reads everything until the server closes the connection.
async fn read_until_closed(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(BOUND, stream.read_to_end(&mut bytes)).await.expect("the server closes the connection");
    // The server may also close the connection with a reset.
    let _closed = read;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn is_served(server: &Server) -> bool {
    server.mcp().call_method("tools/list", json!({})).await.is_ok()
}

#[tokio::test]
async fn connection_above_the_limit_gets_503_at_once() {
    let (_home, server) = start("connections: 3");
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&server).await;
        // An answer shows that the server has accepted the connection.
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
        let mut answer = [0; 12];
        timeout(BOUND, stream.read_exact(&mut answer)).await.expect("in time").expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
        held.push(stream);
    }
    let refused = read_until_closed(connect(&server).await).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after"), "{refused}");
    held.clear();
    let start = std::time::Instant::now();
    while !is_healthy(&server).await {
        assert!(start.elapsed() < BOUND, "the slots of closed connections are not free again");
    }
}

async fn is_healthy(server: &Server) -> bool {
    let health = server.mcp().http().get(format!("{}/health", server.url())).send().await;
    health.is_ok_and(|health| health.status() == 200)
}

#[tokio::test]
async fn server_answers_beside_five_thousand_silent_connections() {
    let (_home, server) = start("connections: 6000, idle_seconds: 30");
    let mut held = Vec::new();
    for _ in 0..5_000 {
        held.push(connect(&server).await);
    }
    assert!(is_served(&server).await);
}

#[tokio::test]
async fn incomplete_request_times_out() {
    let (_home, server) = start("idle_seconds: 0.5");
    let halves: [&[u8]; 4] = [
        b"",
        b"POST /mcp HTTP/1.1\r\nhost: loc",
        b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{\"jsonrpc\"",
        b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"j",
    ];
    for half in halves {
        let mut stream = connect(&server).await;
        stream.write_all(half).await.expect("sent");
        let answer = read_until_closed(stream).await;
        let is_refusal = answer.is_empty() || answer.starts_with("HTTP/1.1 408");
        assert!(is_refusal, "{}: {answer}", String::from_utf8_lossy(half));
    }
    assert!(is_served(&server).await);
}

#[tokio::test]
async fn slow_body_times_out_as_a_whole() {
    let (_home, server) = start("idle_seconds: 0.5");
    let mut stream = connect(&server).await;
    stream.write_all(b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n").await.expect("sent");
    let start = std::time::Instant::now();
    let mut answer = [0; 12];
    loop {
        // Each byte arrives in time, but the whole body would take minutes.
        let read = timeout(Duration::from_millis(200), stream.read_exact(&mut answer)).await;
        if read.is_ok() || stream.write_all(b" ").await.is_err() {
            break;
        }
        assert!(start.elapsed() < BOUND, "the server still waits for the body");
    }
}

#[tokio::test]
async fn number_of_large_bodies_in_memory_is_bounded() {
    let (_home, server) = start("idle_seconds: 4");
    let mut dripping = JoinSet::new();
    for _ in 0..40 {
        let mut stream = connect(&server).await;
        dripping.spawn(async move {
            let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n";
            let mut part = head.to_owned() + &" ".repeat(100_000);
            while stream.write_all(part.as_bytes()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
                part = " ".to_owned();
            }
        });
    }
    let large = async || {
        let arguments = json!({ "task_id": "x".repeat(100_000) });
        HttpResponse::to(
            server.mcp().request("tools/call", json!({ "name": "get_scan_status", "arguments": arguments })),
        )
        .await
    };
    let begin = std::time::Instant::now();
    let refused = loop {
        let answer = large().await;
        if answer.code != 200 {
            break answer;
        }
        assert!(begin.elapsed() < BOUND, "the server holds forty large bodies");
    };
    assert_eq!(refused.code, 503, "{}", refused.body);
    assert!(refused.body.contains("large"), "{}", refused.body);
    assert!(is_served(&server).await, "a small request is served");
    dripping.shutdown().await;
    assert_eq!(large().await.code, 200);
}

#[tokio::test]
async fn client_that_reads_no_answers_is_disconnected() {
    let (_home, server) = start("idle_seconds: 0.5");
    let mut stream = connect(&server).await;
    // Answers of many kilobytes fill the buffers of the sockets. Then the server waits half a second, and closes.
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(&request.repeat(3_000)).await.expect("small requests fit into the buffers of the sockets");
    let start = std::time::Instant::now();
    while stream.write_all(request).await.is_ok() {
        assert!(start.elapsed() < Duration::from_secs(60), "the server keeps the connection open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_served(&server).await);
}

/// Sends a request, and returns the status line of the answer.
async fn status_line(server: &Server, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(timeout(BOUND, stream.read_u8()).await.expect("in time").expect("an answer"));
    }
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

#[tokio::test]
async fn repeated_or_conflicting_host_and_origin_are_refused() {
    let (_home, server) = start("connections: 10");
    let get = |target: &str, headers: &str| format!("GET {target} HTTP/1.1\r\n{headers}\r\n");
    for (target, headers, code) in [
        ("/ready", "host: localhost\r\n", "200"),
        ("/ready", "host: localhost\r\norigin: http://localhost\r\n", "200"),
        ("/ready", "host: localhost\r\nhost: evil.example\r\n", "403"),
        ("/ready", "host: localhost\r\norigin: http://localhost\r\norigin: http://evil.example\r\n", "403"),
        ("http://evil.example/ready", "host: localhost\r\n", "403"),
        ("http://localhost/ready", "host: localhost\r\n", "200"),
    ] {
        let status = status_line(&server, &get(target, headers)).await;
        assert!(status.starts_with(&format!("HTTP/1.1 {code}")), "{target} {headers:?}: {status}");
    }
}

#[tokio::test]
async fn declared_length_over_the_limit_is_refused_before_the_body_is_sent() {
    let (_home, server) = start("idle_seconds: 60");
    let post = |headers: &str| format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    for (headers, code) in [
        ("content-length: 5000000\r\nexpect: 100-continue\r\n", "413"),
        ("content-length: 99999999999\r\n", "413"),
        ("content-length: 5000\r\nexpect: 100-continue\r\n", "100"),
    ] {
        let status = status_line(&server, &post(headers)).await;
        assert!(status.starts_with(&format!("HTTP/1.1 {code}")), "{headers:?}: {status}");
    }
}

#[tokio::test]
async fn slow_large_bodies_block_only_large_requests() {
    /// The number of large bodies that the server reads at a time.
    const SLOTS: usize = 32;
    let (_home, server) = start("idle_seconds: 5, connections: 100");
    let slow = async |length: usize| {
        let mut slow = JoinSet::new();
        for _ in 0..SLOTS {
            let mut stream = connect(&server).await;
            let start = format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(start.as_bytes()).await.expect("sent");
            stream.write_all(&[b' '; 100_000]).await.expect("sent");
            // The body arrives slowly, but not so slowly that the server gives up.
            slow.spawn(async move {
                let mut ticks = interval(Duration::from_millis(200));
                while stream.write_all(b" ").await.is_ok() {
                    ticks.tick().await;
                }
            });
        }
        slow
    };
    let large = || {
        let name = "x".repeat(100_000);
        let call = json!({ "name": "run_untrusted_scan", "arguments": { "targets": "10.0.0.1", "name": name } });
        HttpResponse::to(server.mcp().request("tools/call", call))
    };
    // A body that is refused for its length takes no slot for long.
    let _too_long = slow(5_000_000).await;
    for _ in 0..=SLOTS {
        assert_eq!(large().await.code, 200);
    }
    let mut held = slow(4_000_000).await;
    // The slots are only taken once the server has read enough of each body.
    let refused = async {
        loop {
            let answer = large().await;
            if answer.code != 200 {
                return answer;
            }
        }
    };
    let refused = timeout(BOUND, refused).await.expect("all slots are taken");
    assert_eq!((refused.code, refused.body.contains("too many large requests")), (503, true), "{}", refused.body);
    assert!(is_served(&server).await, "a small request needs no slot");
    held.shutdown().await;
    let answer = large().await;
    assert_eq!(answer.code, 200, "{}", answer.body);
}

#[tokio::test]
async fn long_lived_request_is_limited_to_64_kib() {
    let (_home, server) = start("connections: 10");
    let mcp = server.mcp();
    let id = submit(&mcp, json!({})).await;
    let wait = json!({ "name": "wait_for_scan", "arguments": { "task_id": id } });
    let listen = json!({ "notifications": { "resourceSubscriptions": [format!("scan://{id}")] } });
    for (method, params) in [("tools/call", wait), ("subscriptions/listen", listen)] {
        let mut request = mcp.request(method, params).build().expect("a request");
        let mut body = request.body().and_then(Body::as_bytes).expect("a body").to_vec();
        body.resize(100_000, b' ');
        *request.body_mut() = Some(body.into());
        let answer = mcp.http().execute(request).await.expect("an answer").text().await.expect("text");
        assert!(answer.contains("at most 64 KiB"), "{method}: {answer}");
    }
}
