//! Redis goes away and comes back while a scan runs.

use std::time::{Duration, Instant};

use fake_nessus::{Operation, Settings};
use scanhost_it::{
    lab::{instant, task_id, wait_until},
    mcp::Mcp,
    redis::Redis,
    server::Server,
};
use serde_json::Value;

use crate::world::{QUICK, World, arguments};

/// How soon an agent hears that nothing can be submitted.
const FAST: Duration = Duration::from_secs(20);

async fn ready(server: &Server, mcp: &Mcp) -> (u16, Value) {
    let answer = mcp.http().get(format!("{}/ready", server.url())).send().await.expect("the server answers");
    let code = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    (code, serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submits_fail_fast_meanwhile_and_the_running_scan_is_recorded_afterwards() {
    let settings = Settings { scan_duration: Duration::from_secs(2), ..instant(Vec::new()) };
    let mut world = World::new(settings, Some(Redis::new())).await;
    let server = world.home.start();
    let mcp = server.mcp();
    let submitted = mcp.ok("run_untrusted_scan", arguments("before", QUICK)).await;
    let id = task_id(&submitted).to_owned();
    wait_until("the launch", || world.quick.records().done.of(Operation::Launch) == 1).await;
    world.redis.as_mut().expect("there is one").kill();

    let begin = Instant::now();
    let (code, message, hint) = mcp.refused("run_untrusted_scan", arguments("meanwhile", QUICK)).await;
    assert_eq!(code, "unavailable", "{message}");
    assert!(!hint.is_empty() && begin.elapsed() < FAST, "{hint:?} after {:?}", begin.elapsed());
    let (code, told) = ready(&server, &mcp).await;
    assert_eq!((code, &told["status"]), (503, &Value::from("unavailable")), "{told}");
    let has_ended = || world.quick.scans().iter().any(|scan| scan.marker == id && scan.status == "completed");
    wait_until("the end of the scan at the scanner", has_ended).await;

    world.redis.as_mut().expect("there is one").start_again();
    for (key, id) in [("before", Some(id)), ("meanwhile", None)] {
        world.owed.submits.insert(key.to_owned(), (QUICK, id));
    }
    world.settle(&mcp, &|_| server.log()).await;
    assert_eq!(ready(&server, &mcp).await.0, 200);
}
