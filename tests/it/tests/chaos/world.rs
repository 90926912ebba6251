//! A home with two scanners and a store, the scans that its hosts have to answer for, and what must be true of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fake_nessus::{ApiKeys, FakeNessus, Operation, Records, Settings};
use scanhost_it::{
    lab::{SCAN_TIME, endless, instant, task_id, wait_until},
    mcp::Mcp,
    redis::Redis,
    server::Home,
};
use serde_json::{Value, json};

pub struct World {
    pub home: Arc<Home>,
    pub redis: Option<Redis>,
    /// Its scans end soon, with a report that names them.
    pub quick: FakeNessus,
    /// Its scans run until they are stopped.
    pub slow: FakeNessus,
    pub owed: Owed,
    /// No lost worker comes back, so that nobody creates a scan behind the back of its present worker.
    pub creates_once: bool,
}

/// What was asked of the hosts.
#[derive(Default)]
pub struct Owed {
    /// Every submit by its idempotency key: its pool, and the id once it was answered.
    pub submits: BTreeMap<String, (&'static str, Option<String>)>,
    /// Scans whose deletion was asked for.
    pub deleted: BTreeSet<String>,
}

/// What is left at the scanners is looked for every few seconds.
const ROUNDS: &str = "retention: {failed_days: 0.0001}\n";

pub const QUICK: &str = "nessus";
/// At the quick scanner too, one scan at a time.
pub const LINE: &str = "nessus_line";
pub const SLOW: &str = "nessus_slow";
/// All scans of this pool fail.
pub const BROKEN: &str = "mock";
/// Nothing has to be done in this pool.
pub const IDLE: &str = "mock_idle";

impl World {
    pub async fn new(settings: Settings, redis: Option<Redis>) -> Self {
        let quick = FakeNessus::start(Settings { reports: fake_nessus::Reports::Generated, ..settings }).await;
        let slow = FakeNessus::start(Settings { reports: fake_nessus::Reports::Generated, ..endless() }).await;
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
            [scanner(QUICK, &quick, 20), scanner(LINE, &quick, 1), scanner(SLOW, &slow, 20), broken, idle].concat();
        let store = redis.as_ref().map_or_else(String::new, |redis| format!("store: {}\n", redis.url()));
        let home = Home::new(&[
            ("scanners.yaml", &scanners),
            ("scanhost.yaml", &format!("{store}limits: {{poll_seconds: 0.1}}\n{ROUNDS}")),
        ]);
        let home = Arc::new(home.hasty());
        Self { home, redis, quick, slow, owed: Owed::default(), creates_once: true }
    }

    /// A scanner whose scans take a moment.
    pub fn brief() -> Settings {
        Settings { scan_duration: std::time::Duration::from_millis(200), ..instant(Vec::new()) }
    }

    /// Of both scanners.
    pub fn records(&self) -> [Records; 2] {
        [self.quick.records(), self.slow.records()]
    }

    /// Everything that was promised, on a host that nothing threatens any more.
    /// `story` tells what is known of a scan by its id.
    pub async fn settle(&mut self, mcp: &Mcp, story: &dyn Fn(&str) -> String) {
        self.submit_again(mcp).await;
        let scans = all_scans(mcp).await;
        let (mut ids, mut retried) = (BTreeSet::new(), BTreeSet::new());
        for scan in &scans {
            ids.insert(task_id(scan).to_owned());
            if let Some(first) = scan["retry_of"].as_str() {
                assert!(retried.insert(first.to_owned()), "{first} was retried twice");
            } else {
                let id = task_id(scan);
                let is_known = self.owed.submits.values().any(|(_, answered)| answered.as_deref() == Some(id));
                assert!(is_known, "a submit made two scans: {scan}");
            }
        }
        for (key, (pool, id)) in &self.owed.submits {
            let id = id.as_deref().expect("every submit was answered in the end");
            if self.owed.deleted.contains(id) {
                self.assert_deleted(mcp, id).await;
            } else {
                // A failed one is kept for a few seconds only.
                assert!(ids.contains(id) || *pool == BROKEN, "{key} was lost: {id}\n{}", story(id));
                if ids.contains(id) {
                    self.assert_ended(mcp, key, pool, id, story).await;
                }
            }
        }
        self.assert_idle(mcp).await;
    }

    /// Waits for those that end by themselves, as far as their ids are known.
    pub async fn end_quick_ones(&self, mcp: &Mcp) {
        for (pool, id) in self.owed.submits.values() {
            let Some(id) = id.as_deref().filter(|id| *pool == QUICK && !self.owed.deleted.contains(*id)) else {
                continue;
            };
            mcp.ended(id, SCAN_TIME).await;
        }
    }

    /// The same requests under the same keys make the same scans.
    async fn submit_again(&mut self, mcp: &Mcp) {
        for (key, (pool, answered)) in &mut self.owed.submits {
            let again = mcp.ok("run_untrusted_scan", arguments(key, pool)).await;
            let id = task_id(&again).to_owned();
            assert_eq!(*answered.get_or_insert_with(|| id.clone()), id, "{key} was submitted twice");
        }
    }

    async fn assert_ended(&self, mcp: &Mcp, key: &str, pool: &str, id: &str, story: &dyn Fn(&str) -> String) {
        if pool == SLOW {
            // It may have been cancelled before.
            mcp.call("cancel_scan", json!({ "task_id": id })).await;
        }
        let status = mcp.ended(id, SCAN_TIME).await;
        let expected = match pool {
            SLOW => "cancelled",
            BROKEN => "failed",
            _ => "completed",
        };
        assert!(status["status"] == expected, "{key} is not {expected}: {status}\n{}", story(id));
        let [quick, slow] = self.records();
        for (scanner, records) in [(QUICK, quick), (SLOW, slow)] {
            let done = records.of(id).done;
            let (created, launched) = (done.of(Operation::Create), done.of(Operation::Launch));
            let is_right = if scanner != scanner_of(pool) {
                (created, launched) == (0, 0)
            } else if self.creates_once {
                // A scan may be cancelled before it is launched.
                (created, launched) == (1, 1) || pool == SLOW && launched <= created && created <= 1
            } else {
                launched == 1
            };
            assert!(is_right, "{key} at {scanner}: {done:?}\n{}", story(id));
        }
        match pool {
            QUICK | LINE => assert_own_report(mcp, id).await,
            SLOW => {
                let remote = self.slow.scans().into_iter().find(|scan| scan.marker == id);
                let is_stopped = remote.is_none_or(|remote| matches!(remote.status.as_str(), "canceled" | "empty"));
                assert!(is_stopped, "{key} still runs at the scanner");
            }
            _ => {}
        }
    }

    async fn assert_deleted(&self, mcp: &Mcp, id: &str) {
        let reply = mcp.call("get_scan_status", json!({ "task_id": id })).await;
        if !reply.is_error {
            // The kill came before the deletion.
            mcp.ok("delete_scan", json!({ "task_id": id })).await;
        }
        let folder = self.home.data().join("tasks").join(id);
        wait_until("the files of a deleted scan to be gone", || !folder.exists()).await;
    }

    /// The scans of a pool that runs one at a time were started in the order in which they were submitted.
    pub fn assert_in_line(&self) {
        let mut started: Vec<_> = self.quick.scans().into_iter().filter(|scan| scan.launches > 0).collect();
        started.sort_by_key(|scan| scan.id);
        let in_line =
            |marker: &String| self.owed.submits.values().any(|(pool, id)| *pool == LINE && id.as_ref() == Some(marker));
        let started: Vec<String> = started.into_iter().map(|scan| scan.marker).filter(in_line).collect();
        // Ids sort by time, and each of these was answered before the next was submitted.
        assert!(started.is_sorted(), "not in line: {started:?}");
        assert!(!started.is_empty());
    }

    /// Nothing is held any more by what has ended.
    async fn assert_idle(&self, mcp: &Mcp) {
        for pool in [QUICK, LINE, SLOW, BROKEN] {
            let status = mcp.ok("get_pool_status", json!({ "scanner_pool": pool })).await;
            assert_eq!(status["active"], 0, "{status}");
            let queue = mcp.ok("get_queue_status", json!({ "scanner_pool": pool })).await;
            assert_eq!(queue["queue_depth"], 0, "{queue}");
        }
        if let Some(redis) = &self.redis {
            assert_eq!(redis.ask(&["KEYS", "lease:*"]), "", "leases are left");
            assert_eq!(redis.ask(&["ZRANGE", "running", "0", "-1"]), "", "scans are left as running");
        }
    }
}

/// Where the scans of a pool are, as far as anything is there.
fn scanner_of(pool: &str) -> &str {
    if pool == LINE { QUICK } else { pool }
}

/// A completed scan has the report that the scanner made for it: every finding of one plugin names it, and no other.
async fn assert_own_report(mcp: &Mcp, id: &str) {
    let lines = mcp.results(json!({ "task_id": id, "page": 0, "filters": { "plugin_id": 999_001 } })).await;
    let names: Vec<&Value> =
        lines.iter().filter(|line| line["type"] == "vulnerability").map(|line| &line["plugin_name"]).collect();
    assert_eq!(names, [&json!(format!("Made For {id}"))], "the report of {id}");
}

/// What is submitted under a key; always the same.
pub fn arguments(key: &str, pool: &str) -> Value {
    json!({ "targets": "10.20.0.11", "name": key, "scanner_pool": pool, "idempotency_key": key })
}

/// Every scan that there is.
pub async fn all_scans(mcp: &Mcp) -> Vec<Value> {
    let mut scans: Vec<Value> = Vec::new();
    let mut query = json!({ "limit": 100 });
    loop {
        let listed = mcp.ok("list_scans", query.clone()).await;
        scans.extend(listed["scans"].as_array().expect("a list").iter().cloned());
        match listed.get("next_cursor") {
            Some(cursor) => query["cursor"] = cursor.clone(),
            None => return scans,
        }
    }
}
