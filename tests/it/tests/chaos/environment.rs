//! A home with a store and two scanners, the scans that were submitted to its hosts, and the checks of these scans.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fake_nessus::{ApiKeys, FakeNessus, Operation, Records, Settings};
use scanhost_it::{
    mcp::McpClient,
    redis::Redis,
    server::Home,
    testbed::{SCAN_TIMEOUT, endless_scans, instant_scans, task_id, wait_until},
};
use serde_json::{Value, json};

pub struct Environment {
    pub home: Arc<Home>,
    pub redis: Option<Redis>,
    /// A scanner whose scans end soon, with a report that contains their marker.
    pub quick: FakeNessus,
    /// A scanner whose scans run until they are stopped.
    pub slow: FakeNessus,
    pub expected: ExpectedScans,
    /// Whether each scan is created exactly once at its scanner. This does not hold where a paused worker may continue
    /// after it has lost its lease.
    pub creates_once: bool,
}

/// The scans that must exist, or must be deleted, in the end.
#[derive(Default)]
pub struct ExpectedScans {
    /// The pool of each submit, and its task id once it was acknowledged, by idempotency key.
    pub submits: BTreeMap<String, (&'static str, Option<String>)>,
    /// The ids of scans that a client asked to delete.
    pub deleted: BTreeSet<String>,
}

/// A retention so short that the host looks for orphans at the scanners every few seconds.
const RETENTION: &str = "retention: {failed_days: 0.0001}\n";

pub const QUICK: &str = "nessus";
/// A pool of the quick scanner that runs one scan at a time.
pub const SERIAL: &str = "nessus_line";
pub const SLOW: &str = "nessus_slow";
/// A pool whose scans all fail.
pub const BROKEN: &str = "mock";
/// A pool without scans.
pub const IDLE: &str = "mock_idle";

impl Environment {
    pub async fn new(settings: Settings, redis: Option<Redis>) -> Self {
        let quick = FakeNessus::start(Settings { reports: fake_nessus::Reports::Generated, ..settings }).await;
        let slow = FakeNessus::start(Settings { reports: fake_nessus::Reports::Generated, ..endless_scans() }).await;
        let ApiKeys { access, secret } = ApiKeys::default();
        let scanner = |pool: &str, scanner: &FakeNessus, capacity: u32| {
            let auth = format!("{{access_key: {access}, secret_key: {secret}}}");
            let url = scanner.url();
            format!(
                "{pool}:\n  - {{instance_id: lab, url: \"{url}\", auth: {auth}, max_concurrent_scans: {capacity}}}\n"
            )
        };
        let broken = format!("{BROKEN}: [{{instance_id: m1, options: {{duration_seconds: 0, fail_at: create}}}}]\n");
        let idle = format!("{IDLE}: [{{instance_id: m1}}]\n");
        let scanners =
            [scanner(QUICK, &quick, 20), scanner(SERIAL, &quick, 1), scanner(SLOW, &slow, 20), broken, idle].concat();
        let store = redis.as_ref().map_or_else(String::new, |redis| format!("store: {}\n", redis.url()));
        let home = Home::new(&[
            ("scanners.yaml", &scanners),
            ("scanhost.yaml", &format!("{store}limits: {{poll_seconds: 0.1}}\n{RETENTION}")),
        ]);
        let home = Arc::new(home.with_short_timeouts());
        Self { home, redis, quick, slow, expected: ExpectedScans::default(), creates_once: true }
    }

    /// Settings of a scanner whose scans take a fifth of a second.
    pub fn short_scans() -> Settings {
        Settings { scan_duration: std::time::Duration::from_millis(200), ..instant_scans(Vec::new()) }
    }

    /// The request records of both scanners.
    pub fn records(&self) -> [Records; 2] {
        [self.quick.records(), self.slow.records()]
    }

    /// Checks that no scan was lost or duplicated, on a host that is not disturbed any more. `events_of_scan` returns
    /// the log lines about a task id for the message of a failure.
    pub async fn verify(&mut self, mcp: &McpClient, events_of_scan: &dyn Fn(&str) -> String) {
        self.resubmit(mcp).await;
        let scans = all_scans(mcp).await;
        let (mut ids, mut retried) = (BTreeSet::new(), BTreeSet::new());
        for scan in &scans {
            ids.insert(task_id(scan).to_owned());
            if let Some(first) = scan["retry_of"].as_str() {
                assert!(retried.insert(first.to_owned()), "{first} was retried twice");
            } else {
                let id = task_id(scan);
                let is_known =
                    self.expected.submits.values().any(|(_, acknowledged)| acknowledged.as_deref() == Some(id));
                assert!(is_known, "the scan belongs to no submit: {scan}");
            }
        }
        for (key, (pool, id)) in &self.expected.submits {
            let id = id.as_deref().expect("every submit was acknowledged in the end");
            if self.expected.deleted.contains(id) {
                self.assert_deleted(mcp, id).await;
            } else {
                // The retention of failed scans is a few seconds.
                assert!(ids.contains(id) || *pool == BROKEN, "{key} was lost: {id}\n{}", events_of_scan(id));
                if ids.contains(id) {
                    self.assert_ended(mcp, key, pool, id, events_of_scan).await;
                }
            }
        }
        self.assert_idle(mcp).await;
    }

    /// Waits until all acknowledged scans of the quick pool have ended.
    pub async fn wait_for_quick_scans(&self, mcp: &McpClient) {
        for (pool, id) in self.expected.submits.values() {
            let Some(id) = id.as_deref().filter(|id| *pool == QUICK && !self.expected.deleted.contains(*id)) else {
                continue;
            };
            mcp.wait_for_end(id, SCAN_TIMEOUT).await;
        }
    }

    /// Repeats every submit with its key, which has to return the scan that exists.
    async fn resubmit(&mut self, mcp: &McpClient) {
        for (key, (pool, acknowledged)) in &mut self.expected.submits {
            let again = mcp.call_ok("run_untrusted_scan", submit_arguments(key, pool)).await;
            let id = task_id(&again).to_owned();
            assert_eq!(*acknowledged.get_or_insert_with(|| id.clone()), id, "{key} was submitted twice");
        }
    }

    async fn assert_ended(
        &self,
        mcp: &McpClient,
        key: &str,
        pool: &str,
        id: &str,
        events_of_scan: &dyn Fn(&str) -> String,
    ) {
        if pool == SLOW {
            // The scan may be cancelled already.
            mcp.call("cancel_scan", json!({ "task_id": id })).await;
        }
        let status = mcp.wait_for_end(id, SCAN_TIMEOUT).await;
        let expected = match pool {
            SLOW => "cancelled",
            BROKEN => "failed",
            _ => "completed",
        };
        assert!(status["status"] == expected, "{key} is not {expected}: {status}\n{}", events_of_scan(id));
        let [quick, slow] = self.records();
        for (scanner, records) in [(QUICK, quick), (SLOW, slow)] {
            let executed = records.record(id).executed;
            let (created, launched) = (executed.count(Operation::Create), executed.count(Operation::Launch));
            let is_right = if scanner != scanner_of(pool) {
                (created, launched) == (0, 0)
            } else if self.creates_once {
                // A scan may be cancelled before it is launched.
                (created, launched) == (1, 1) || pool == SLOW && launched <= created && created <= 1
            } else {
                launched == 1
            };
            assert!(is_right, "{key} at {scanner}: {executed:?}\n{}", events_of_scan(id));
        }
        match pool {
            QUICK | SERIAL => assert_own_report(mcp, id).await,
            SLOW => {
                let remote = self.slow.scans().into_iter().find(|scan| scan.marker == id);
                let is_stopped = remote.is_none_or(|remote| matches!(remote.status.as_str(), "canceled" | "empty"));
                assert!(is_stopped, "{key} still runs at the scanner");
            }
            _ => {}
        }
    }

    async fn assert_deleted(&self, mcp: &McpClient, id: &str) {
        let reply = mcp.call("get_scan_status", json!({ "task_id": id })).await;
        if !reply.is_error {
            // The host was killed before it deleted the scan.
            mcp.call_ok("delete_scan", json!({ "task_id": id })).await;
        }
        let folder = self.home.data().join("tasks").join(id);
        wait_until("the files of a deleted scan to be gone", || !folder.exists()).await;
    }

    /// Checks that the serial pool has launched its scans in the order in which they were submitted.
    pub fn assert_submit_order(&self) {
        let mut started: Vec<_> = self.quick.scans().into_iter().filter(|scan| scan.launches > 0).collect();
        started.sort_by_key(|scan| scan.id);
        let is_serial = |marker: &String| {
            self.expected.submits.values().any(|(pool, id)| *pool == SERIAL && id.as_ref() == Some(marker))
        };
        let started: Vec<String> = started.into_iter().map(|scan| scan.marker).filter(is_serial).collect();
        // Task ids sort by time, and each of these scans was acknowledged before the next was submitted.
        assert!(started.is_sorted(), "the scans were launched out of order: {started:?}");
        assert!(!started.is_empty());
    }

    /// Checks that ended scans occupy no scanner, no queue and no lease.
    async fn assert_idle(&self, mcp: &McpClient) {
        for pool in [QUICK, SERIAL, SLOW, BROKEN] {
            let status = mcp.call_ok("get_pool_status", json!({ "scanner_pool": pool })).await;
            assert_eq!(status["active"], 0, "{status}");
            let queue = mcp.call_ok("get_queue_status", json!({ "scanner_pool": pool })).await;
            assert_eq!(queue["queue_depth"], 0, "{queue}");
        }
        if let Some(redis) = &self.redis {
            assert_eq!(redis.command(&["KEYS", "lease:*"]), "", "leases are left");
            assert_eq!(redis.command(&["ZRANGE", "running", "0", "-1"]), "", "scans are left as running");
        }
    }
}

/// The pool that names the scanner of this pool.
fn scanner_of(pool: &str) -> &str {
    if pool == SERIAL { QUICK } else { pool }
}

/// Checks that a completed scan has the report that the scanner made for it, in which one finding names its task id.
async fn assert_own_report(mcp: &McpClient, id: &str) {
    let lines = mcp.results(json!({ "task_id": id, "page": 0, "filters": { "plugin_id": 999_001 } })).await;
    let names: Vec<&Value> =
        lines.iter().filter(|line| line["type"] == "vulnerability").map(|line| &line["plugin_name"]).collect();
    assert_eq!(names, [&json!(format!("Made For {id}"))], "the report of {id}");
}

/// The arguments of the submit with this key, which are the same in every call.
pub fn submit_arguments(key: &str, pool: &str) -> Value {
    json!({ "targets": "10.20.0.11", "name": key, "scanner_pool": pool, "idempotency_key": key })
}

/// Lists all scans, page by page.
pub async fn all_scans(mcp: &McpClient) -> Vec<Value> {
    let mut scans: Vec<Value> = Vec::new();
    let mut query = json!({ "limit": 100 });
    loop {
        let listed = mcp.call_ok("list_scans", query.clone()).await;
        scans.extend(listed["scans"].as_array().expect("a list").iter().cloned());
        match listed.get("next_cursor") {
            Some(cursor) => query["cursor"] = cursor.clone(),
            None => return scans,
        }
    }
}
