//! Redis goes away and comes back while a scan runs.

use std::time::{Duration, Instant};

use fake_nessus::{Operation, Settings};
use scanhost_it::{
    mcp::McpClient,
    redis::Redis,
    server::Server,
    testbed::{instant_scans, task_id, wait_until},
};
use serde_json::Value;

use crate::environment::{Environment, QUICK, submit_arguments};

/// The longest time until a submit fails while Redis is away.
const FAIL_FAST: Duration = Duration::from_secs(20);

async fn ready(server: &Server, mcp: &McpClient) -> (u16, Value) {
    let answer = mcp.http().get(format!("{}/ready", server.url())).send().await.expect("the server answers");
    let code = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    (code, serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_outage_fails_submits_fast_and_loses_no_running_scan() {
    let settings = Settings { scan_duration: Duration::from_secs(2), ..instant_scans(Vec::new()) };
    let mut environment = Environment::new(settings, Some(Redis::new())).await;
    let server = environment.home.start();
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_untrusted_scan", submit_arguments("before", QUICK)).await;
    let id = task_id(&submitted).to_owned();
    wait_until("the launch", || environment.quick.records().executed.count(Operation::Launch) == 1).await;
    environment.redis.as_mut().expect("there is one").kill();

    let begin = Instant::now();
    let (code, message, hint) = mcp.call_refused("run_untrusted_scan", submit_arguments("meanwhile", QUICK)).await;
    assert_eq!(code, "unavailable", "{message}");
    assert!(!hint.is_empty() && begin.elapsed() < FAIL_FAST, "{hint:?} after {:?}", begin.elapsed());
    let (code, body) = ready(&server, &mcp).await;
    assert_eq!((code, &body["status"]), (503, &Value::from("unavailable")), "{body}");
    let has_ended = || environment.quick.scans().iter().any(|scan| scan.marker == id && scan.status == "completed");
    wait_until("the end of the scan at the scanner", has_ended).await;

    environment.redis.as_mut().expect("there is one").start_again();
    for (key, id) in [("before", Some(id)), ("meanwhile", None)] {
        environment.expected.submits.insert(key.to_owned(), (QUICK, id));
    }
    environment.verify(&mcp, &|_| server.log()).await;
    assert_eq!(ready(&server, &mcp).await.0, 200);
}
