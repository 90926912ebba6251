//! What any store has to do, on every store there is.

mod model;

use std::{collections::BTreeSet, time::Duration};

use scanhost_domain::{
    ids::{PoolName, ScannerId},
    request::{Login, ScanRequest, ScanType},
    scan::{Failure, FailureCode, PluginVersion, ScanState, Slot, Status, Summary},
};

use super::{embedded::EmbeddedStore, *};
use crate::submit::{new_task_id, new_trace_id};

/// A store of its own, and the folder that it lives in.
struct Fresh {
    store: EmbeddedStore,
    folder: tempfile::TempDir,
}

impl Fresh {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: EmbeddedStore::open(folder.path()).unwrap(), folder }
    }

    /// The same store, as the next process finds it.
    fn reopen(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        // The writer's thread lets go of the file a moment after the store is dropped.
        let opened = (0..200).find_map(|_| {
            EmbeddedStore::open(folder.path()).ok().or_else(|| {
                std::thread::sleep(Duration::from_millis(10));
                None
            })
        });
        Self { store: opened.expect("the file is free again"), folder }
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn pool(name: &str) -> PoolName {
    name.parse().unwrap()
}

fn new_scan(pool_name: &str, name: &str) -> NewScan {
    NewScan {
        id: new_task_id(),
        trace: new_trace_id(),
        request: ScanRequest {
            scan_type: ScanType::Untrusted,
            targets: "10.0.0.1".into(),
            name: name.into(),
            description: None,
            profile: None,
            pool: pool(pool_name),
            instance: None,
            login: Login::None,
        },
        created_at: at(0),
        retry_of: None,
        idempotency: None,
        max_depth: 1_000,
    }
}

fn keyed(mut new: NewScan, key: &str, request: u8) -> NewScan {
    new.idempotency = Some(Idempotency { key: key.parse().unwrap(), request_hash: [request; 32], expires_at: at(100) });
    new
}

fn offer(pool_name: &str, scanners: &[(&str, u32)]) -> PoolOffer {
    let scanner = |(instance, capacity): &(&str, u32)| Offer {
        slot: Slot {
            scanner: ScannerId { pool: pool(pool_name), instance: instance.parse().unwrap() },
            backend: "mock".parse().unwrap(),
            plugin: PluginVersion { version: "0.1.0".into(), digest: "00".into() },
        },
        max_concurrent_scans: *capacity,
    };
    PoolOffer { pool: pool(pool_name), balance: Balance::LeastLoaded, scanners: scanners.iter().map(scanner).collect() }
}

async fn submit(store: &dyn Store, new: NewScan) -> Scan {
    match store.submit(new).await.unwrap() {
        Submitted::New { scan, .. } => scan,
        other => panic!("not submitted: {other:?}"),
    }
}

async fn claim(store: &dyn Store, offers: &[PoolOffer]) -> Option<(String, String)> {
    let claimed = store.claim(offers, at(1)).await.unwrap()?;
    Some((claimed.scan.request.name, claimed.running.slot.scanner.instance.to_string()))
}

fn completed() -> Outcome {
    Outcome::Completed(Summary::default())
}

#[tokio::test]
async fn scans_of_a_pool_start_in_the_order_of_their_submits() {
    let fresh = Fresh::new();
    for name in ["a", "b", "c"] {
        submit(&fresh.store, new_scan("p", name)).await;
    }
    let offers = [offer("p", &[("s", 8)])];
    let mut started = Vec::new();
    while let Some((name, _)) = claim(&fresh.store, &offers).await {
        started.push(name);
    }
    assert_eq!(started, ["a", "b", "c"]);
}

#[tokio::test]
async fn capacity_is_never_exceeded_and_comes_back() {
    let fresh = Fresh::new();
    for name in ["a", "b", "c"] {
        submit(&fresh.store, new_scan("p", name)).await;
    }
    let offers = [offer("p", &[("s", 2)])];
    let first = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    assert!(claim(&fresh.store, &offers).await.is_some());
    assert_eq!(claim(&fresh.store, &offers).await, None);
    fresh.store.finish(&first.scan.id, first.running.fence, completed(), at(2)).await.unwrap();
    assert!(claim(&fresh.store, &offers).await.is_some());
}

#[tokio::test]
async fn a_pinned_scan_that_waits_holds_up_nobody() {
    let fresh = Fresh::new();
    let pinned = |name: &str| {
        let mut new = new_scan("p", name);
        new.request.instance = Some("s1".parse().unwrap());
        new
    };
    submit(&fresh.store, pinned("first")).await;
    submit(&fresh.store, pinned("second")).await;
    submit(&fresh.store, new_scan("p", "free")).await;
    let offers = [offer("p", &[("s1", 1), ("s2", 1)])];
    assert_eq!(claim(&fresh.store, &offers).await, Some(("first".into(), "s1".into())));
    assert_eq!(claim(&fresh.store, &offers).await, Some(("free".into(), "s2".into())));
    assert_eq!(claim(&fresh.store, &offers).await, None);
}

#[tokio::test]
async fn a_flooded_pool_does_not_hold_up_another() {
    let fresh = Fresh::new();
    for _ in 0..50 {
        submit(&fresh.store, new_scan("flooded", "f")).await;
    }
    submit(&fresh.store, new_scan("quiet", "q")).await;
    let offers = [offer("flooded", &[("s", 100)]), offer("quiet", &[("s", 100)])];
    let mut first = BTreeSet::new();
    for _ in 0..2 {
        first.insert(claim(&fresh.store, &offers).await.unwrap().0);
    }
    assert!(first.contains("q"), "{first:?}");
}

#[tokio::test]
async fn a_key_stands_for_one_request_until_it_expires() {
    let fresh = Fresh::new();
    let first = submit(&fresh.store, keyed(new_scan("p", "a"), "k", 1)).await;
    let again = fresh.store.submit(keyed(new_scan("p", "a"), "k", 1)).await.unwrap();
    assert!(matches!(again, Submitted::Known(scan) if scan.id == first.id));
    let other = fresh.store.submit(keyed(new_scan("p", "a"), "k", 2)).await.unwrap();
    assert!(matches!(other, Submitted::KeyTaken));
    fresh.store.delete(&first.id, true, at(1)).await.unwrap();
    let deleted = fresh.store.submit(keyed(new_scan("p", "a"), "k", 1)).await.unwrap();
    assert!(matches!(deleted, Submitted::Known(scan) if scan.id == first.id && scan.status() == Status::Cancelled));
    let late = NewScan { created_at: at(101), ..keyed(new_scan("p", "a"), "k", 2) };
    assert!(matches!(fresh.store.submit(late).await.unwrap(), Submitted::New { .. }));
}

#[tokio::test]
async fn a_full_queue_takes_no_more() {
    let fresh = Fresh::new();
    let small = |name: &str| NewScan { max_depth: 1, ..new_scan("p", name) };
    submit(&fresh.store, small("a")).await;
    assert!(matches!(fresh.store.submit(small("b")).await.unwrap(), Submitted::Full { depth: 1 }));
}

#[tokio::test]
async fn after_a_restart_scans_go_on_where_they_were() {
    let fresh = Fresh::new();
    let running = submit(&fresh.store, new_scan("p", "running")).await;
    submit(&fresh.store, new_scan("p", "waiting")).await;
    let offers = [offer("p", &[("s", 1)])];
    let before = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    let creating = Change { phase: Some(Phase::Creating), ..Change::default() };
    fresh.store.update(&running.id, before.running.fence, creating.clone()).await.unwrap();
    let fresh = fresh.reopen();
    let after = fresh.store.claim(&offers, at(2)).await.unwrap().unwrap();
    assert_eq!(after.scan.id, running.id);
    assert_eq!((after.running.phase.clone(), after.running.recoveries), (Phase::Creating, 1));
    // The worker from before is fenced off.
    let stale = fresh.store.update(&running.id, before.running.fence, creating).await;
    assert!(matches!(stale, Err(WorkError::Stale)));
    let stale = fresh.store.finish(&running.id, before.running.fence, completed(), at(3)).await;
    assert!(matches!(stale, Err(WorkError::Stale)));
    assert_eq!(claim(&fresh.store, &offers).await, None, "the waiting one has no room");
}

#[tokio::test]
async fn what_has_ended_stays_as_it_ended() {
    let fresh = Fresh::new();
    let scan = submit(&fresh.store, new_scan("p", "a")).await;
    assert!(matches!(fresh.store.cancel(&scan.id, at(1)).await.unwrap(), Cancelled::Ended(_)));
    assert!(matches!(fresh.store.cancel(&scan.id, at(2)).await.unwrap(), Cancelled::Refused(_)));
    let offers = [offer("p", &[("s", 1)])];
    assert_eq!(claim(&fresh.store, &offers).await, None);
    let kept = fresh.store.scan(&scan.id).await.unwrap().unwrap();
    let ScanState::Finished(finished) = kept.state else { panic!("{kept:?}") };
    assert_eq!((finished.outcome.status(), finished.completed_at), (Status::Cancelled, at(1)));
}

#[tokio::test]
async fn a_failed_scan_is_a_dead_letter_until_it_is_deleted() {
    let fresh = Fresh::new();
    let scan = submit(&fresh.store, new_scan("p", "a")).await;
    let offers = [offer("p", &[("s", 1)])];
    let claimed = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    let failure = Failure { code: FailureCode::Rejected, message: "no".into() };
    fresh.store.finish(&scan.id, claimed.running.fence, Outcome::Failed(failure), at(2)).await.unwrap();
    assert_eq!(fresh.store.pool(&pool("p")).await.unwrap().dead_letters, 1);
    fresh.store.delete(&scan.id, false, at(2)).await.unwrap();
    assert_eq!(fresh.store.pool(&pool("p")).await.unwrap().dead_letters, 0);
}

#[tokio::test]
async fn deleting_what_runs_needs_force_and_frees_its_scanner() {
    let fresh = Fresh::new();
    let scan = submit(&fresh.store, new_scan("p", "a")).await;
    let offers = [offer("p", &[("s", 1)])];
    let claimed = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    assert!(matches!(fresh.store.delete(&scan.id, false, at(2)).await.unwrap(), Deleted::Active(_)));
    assert!(matches!(fresh.store.delete(&scan.id, true, at(2)).await.unwrap(), Deleted::Done(_)));
    let gone = fresh.store.update(&scan.id, claimed.running.fence, Change::default()).await;
    assert!(matches!(gone, Err(WorkError::Stale)));
    assert_eq!(fresh.store.active().await.unwrap(), []);
}

#[tokio::test]
async fn lists_go_page_by_page_from_the_newest() {
    let fresh = Fresh::new();
    let mut ids = Vec::new();
    for number in 0..5 {
        let id = format!("01K{number:023}").parse().unwrap();
        ids.push(submit(&fresh.store, NewScan { id, ..new_scan("p", "a") }).await.id);
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let query = ListQuery { before: before.take(), limit: 2, ..ListQuery::default() };
        let listed = fresh.store.list(query).await.unwrap();
        seen.extend(listed.scans.into_iter().map(|scan| scan.id));
        if !listed.more {
            break;
        }
        before = seen.last().cloned();
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn whoever_watches_a_scan_is_woken_by_its_change() {
    let fresh = Fresh::new();
    let scan = submit(&fresh.store, new_scan("p", "a")).await;
    let watch = fresh.store.watch(&scan.id);
    let changed = watch.changed();
    fresh.store.cancel(&scan.id, at(1)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), changed).await.expect("woken");
}

#[tokio::test]
async fn many_submits_at_once_with_one_key_make_one_scan() {
    let fresh = std::sync::Arc::new(Fresh::new());
    let mut submits = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let fresh = fresh.clone();
        submits.spawn(async move { fresh.store.submit(keyed(new_scan("p", "a"), "k", 1)).await.unwrap() });
    }
    let answers = submits.join_all().await;
    let new = answers.iter().filter(|answer| matches!(answer, Submitted::New { .. })).count();
    assert_eq!(new, 1);
    assert_eq!(fresh.store.pool(&pool("p")).await.unwrap().queue_depth, 1);
}
