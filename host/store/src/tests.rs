//! What every store has to do, tested on all stores.

mod answer_losing_proxy;
mod fresh;
mod model;
mod operator;
mod redis_server;
mod shared;
mod unreadable;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId, TraceId},
    request::{Login, ScanRequest, ScanType},
    scan::{Failure, FailureCode, Fence, Outcome, Phase, PluginVersion, ScanState, Slot, Status, Summary},
};
use scanhost_system::clock;

use super::*;
use fresh::Fresh;

/// Runs each of these tests on every store.
macro_rules! on_each_store {
    ($($test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Fresh::embedded()).await;
            })*
        }

        mod redis {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Fresh::redis().await).await;
            })*
        }
    };
}
use on_each_store;

/// A path-safe id that sorts by time, as a submit makes one.
fn new_task_id() -> TaskId {
    ulid::Ulid::generate().to_string().parse().unwrap()
}

fn new_trace_id() -> TraceId {
    format!("{:032x}", rand::random::<u128>().max(1)).parse().unwrap()
}

on_each_store![
    scans_of_a_pool_start_in_the_order_of_their_submits,
    capacity_is_never_exceeded_and_comes_back,
    waiting_pinned_scan_does_not_hold_up_others,
    flooded_pool_does_not_hold_up_another,
    key_stands_for_one_request_until_it_expires,
    full_queue_accepts_no_more_scans,
    scans_continue_where_they_were_after_a_restart,
    ended_scan_keeps_its_outcome,
    failed_scan_is_a_dead_letter_until_it_is_deleted,
    deleting_a_running_scan_needs_force_and_frees_its_scanner,
    waiting_scan_is_either_deleted_or_claimed,
    lists_go_page_by_page_from_the_newest,
    lists_of_large_scans_are_short_and_can_be_continued,
    watcher_is_woken_by_a_change_of_its_scan,
    concurrent_submits_with_one_key_make_one_scan,
    session_is_kept_until_it_expires_or_ends,
    used_key_is_found_without_a_submit,
    pools_are_served_in_turn,
    round_robin_is_independent_of_other_pools,
    places_in_a_long_queue_are_exact,
];

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
        adopts: None,
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

async fn scans_of_a_pool_start_in_the_order_of_their_submits(fresh: Fresh) {
    for name in ["a", "b", "c"] {
        submit(&*fresh.store, new_scan("p", name)).await;
    }
    let offers = [offer("p", &[("s", 8)])];
    let mut started = Vec::new();
    while let Some((name, _)) = claim(&*fresh.store, &offers).await {
        started.push(name);
    }
    assert_eq!(started, ["a", "b", "c"]);
}

async fn capacity_is_never_exceeded_and_comes_back(fresh: Fresh) {
    for name in ["a", "b", "c"] {
        submit(&*fresh.store, new_scan("p", name)).await;
    }
    let offers = [offer("p", &[("s", 2)])];
    let first = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    assert!(claim(&*fresh.store, &offers).await.is_some());
    assert_eq!(claim(&*fresh.store, &offers).await, None);
    fresh.store.finish(&first.scan.id, first.running.fence, completed(), at(2)).await.unwrap();
    assert!(claim(&*fresh.store, &offers).await.is_some());
}

async fn waiting_pinned_scan_does_not_hold_up_others(fresh: Fresh) {
    let pinned = |name: &str| {
        let mut new = new_scan("p", name);
        new.request.instance = Some("s1".parse().unwrap());
        new
    };
    submit(&*fresh.store, pinned("first")).await;
    submit(&*fresh.store, pinned("second")).await;
    submit(&*fresh.store, new_scan("p", "free")).await;
    let offers = [offer("p", &[("s1", 1), ("s2", 1)])];
    assert_eq!(claim(&*fresh.store, &offers).await, Some(("first".into(), "s1".into())));
    assert_eq!(claim(&*fresh.store, &offers).await, Some(("free".into(), "s2".into())));
    assert_eq!(claim(&*fresh.store, &offers).await, None);
}

async fn flooded_pool_does_not_hold_up_another(fresh: Fresh) {
    for _ in 0..50 {
        submit(&*fresh.store, new_scan("flooded", "f")).await;
    }
    submit(&*fresh.store, new_scan("quiet", "q")).await;
    let offers = [offer("flooded", &[("s", 100)]), offer("quiet", &[("s", 100)])];
    let mut first = BTreeSet::new();
    for _ in 0..2 {
        first.insert(claim(&*fresh.store, &offers).await.unwrap().0);
    }
    assert!(first.contains("q"), "{first:?}");
}

async fn key_stands_for_one_request_until_it_expires(fresh: Fresh) {
    let first = submit(&*fresh.store, keyed(new_scan("p", "a"), "k", 1)).await;
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

async fn full_queue_accepts_no_more_scans(fresh: Fresh) {
    let small = |name: &str| NewScan { max_depth: 1, ..new_scan("p", name) };
    submit(&*fresh.store, small("a")).await;
    assert!(matches!(fresh.store.submit(small("b")).await.unwrap(), Submitted::Full { depth: 1, .. }));
}

async fn scans_continue_where_they_were_after_a_restart(fresh: Fresh) {
    let running = submit(&*fresh.store, new_scan("p", "running")).await;
    submit(&*fresh.store, new_scan("p", "waiting")).await;
    let offers = [offer("p", &[("s", 1)])];
    let before = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    let creating = Change::Enter { phase: Phase::Creating, plugin_state: None };
    fresh.store.update(&running.id, before.running.fence, creating.clone()).await.unwrap();
    let fresh = fresh.reopen().await;
    let after = fresh.store.claim(&offers, at(2)).await.unwrap().unwrap();
    assert_eq!(after.scan.id, running.id);
    assert_eq!((after.running.phase.clone(), after.running.recoveries), (Phase::Creating, 1));
    // The worker before the restart is fenced off.
    let stale = fresh.store.update(&running.id, before.running.fence, creating).await;
    assert!(matches!(stale, Err(WorkError::Stale)));
    let stale = fresh.store.finish(&running.id, before.running.fence, completed(), at(3)).await;
    assert!(matches!(stale, Err(WorkError::Stale)));
    assert_eq!(claim(&*fresh.store, &offers).await, None, "no scanner is free for the waiting scan");
}

async fn ended_scan_keeps_its_outcome(fresh: Fresh) {
    let scan = submit(&*fresh.store, new_scan("p", "a")).await;
    assert!(matches!(fresh.store.cancel(&scan.id, at(1)).await.unwrap(), Cancelled::Ended(_)));
    assert!(matches!(fresh.store.cancel(&scan.id, at(2)).await.unwrap(), Cancelled::Refused(_)));
    let offers = [offer("p", &[("s", 1)])];
    assert_eq!(claim(&*fresh.store, &offers).await, None);
    let kept = fresh.store.scan(&scan.id).await.unwrap().unwrap();
    let ScanState::Finished(finished) = kept.state else { panic!("{kept:?}") };
    assert_eq!((finished.outcome.status(), finished.completed_at), (Status::Cancelled, at(1)));
}

async fn failed_scan_is_a_dead_letter_until_it_is_deleted(fresh: Fresh) {
    let scan = submit(&*fresh.store, new_scan("p", "a")).await;
    let offers = [offer("p", &[("s", 1)])];
    let claimed = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    let failure = Failure { code: FailureCode::Rejected, message: "no".into() };
    fresh.store.finish(&scan.id, claimed.running.fence, Outcome::Failed(failure), at(2)).await.unwrap();
    assert_eq!(fresh.store.pool(&pool("p")).await.unwrap().dead_letters, 1);
    fresh.store.delete(&scan.id, false, at(2)).await.unwrap();
    assert_eq!(fresh.store.pool(&pool("p")).await.unwrap().dead_letters, 0);
}

async fn deleting_a_running_scan_needs_force_and_frees_its_scanner(fresh: Fresh) {
    let scan = submit(&*fresh.store, new_scan("p", "a")).await;
    let offers = [offer("p", &[("s", 1)])];
    let claimed = fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
    assert!(matches!(fresh.store.delete(&scan.id, false, at(2)).await.unwrap(), Deleted::Running));
    assert!(matches!(fresh.store.delete(&scan.id, true, at(2)).await.unwrap(), Deleted::Done(_)));
    let gone = fresh.store.update(&scan.id, claimed.running.fence, Change::Progressed).await;
    assert!(matches!(gone, Err(WorkError::Stale)));
    assert_eq!(fresh.store.active().await.unwrap(), []);
}

async fn waiting_scan_is_either_deleted_or_claimed(fresh: Fresh) {
    const SCANS: usize = 40;
    let mut ids = Vec::new();
    for _ in 0..SCANS {
        ids.push(submit(&*fresh.store, new_scan("p", "a")).await.id);
    }
    let claiming = async {
        let (mut fences, offers) = (BTreeMap::new(), [offer("p", &[("s", 99)])]);
        while let Some(claimed) = fresh.store.claim(&offers, at(1)).await.unwrap() {
            fences.insert(claimed.scan.id, claimed.running.fence);
        }
        fences
    };
    // Deleting begins at the end, so that both meet in the middle.
    let deleting = async {
        let mut deleted = BTreeSet::new();
        for id in ids.iter().rev() {
            match fresh.store.delete(id, false, at(2)).await.unwrap() {
                Deleted::Done(scan) => {
                    assert_eq!(scan.status(), Status::Cancelled);
                    deleted.insert(scan.id);
                }
                Deleted::Running => {}
                Deleted::NotFound => panic!("{id} is nowhere"),
            }
        }
        deleted
    };
    let (fences, deleted) = tokio::join!(claiming, deleting);
    assert!(!deleted.is_empty() && !fences.is_empty(), "{} deleted, {} claimed", deleted.len(), fences.len());
    for id in &ids {
        let is_there = fresh.store.scan(id).await.unwrap().is_some();
        assert_eq!((is_there, deleted.contains(id)), (fences.contains_key(id), !is_there), "{id}");
    }
    for (id, fence) in &fences {
        fresh.store.heartbeat(id, *fence).await.unwrap();
    }
    assert_eq!(fresh.store.pool(&pool("p")).await.unwrap().queue_depth, 0);
}

async fn lists_go_page_by_page_from_the_newest(fresh: Fresh) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let id = format!("01K{number:023}").parse().unwrap();
        ids.push(submit(&*fresh.store, NewScan { id, ..new_scan("p", "a") }).await.id);
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let query = ListQuery { before: before.take(), limit: 2, ..ListQuery::default() };
        let listed = fresh.store.list(query).await.unwrap();
        seen.extend(listed.scans.into_iter().map(|scan| scan.id));
        before = listed.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

async fn lists_of_large_scans_are_short_and_can_be_continued(fresh: Fresh) {
    for _ in 0..5 {
        let mut new = new_scan("p", "a");
        new.request.targets = "10.0.0.1,".repeat(LISTED_BYTES / 16);
        submit(&*fresh.store, new).await;
    }
    let all = ListQuery { limit: 9, ..ListQuery::default() };
    let listed = fresh.store.list(all.clone()).await.unwrap();
    assert_eq!((listed.scans.len(), listed.next.is_some()), (2, true));
    assert_eq!(fresh.store.list_on(all.clone()).await.unwrap().len(), 5);
    assert_eq!(fresh.store.list_on(ListQuery { limit: 3, ..all }).await.unwrap().len(), 3);
}

async fn watcher_is_woken_by_a_change_of_its_scan(fresh: Fresh) {
    let scan = submit(&*fresh.store, new_scan("p", "a")).await;
    let watch = fresh.store.watch(&scan.id);
    let changed = watch.changed();
    fresh.store.cancel(&scan.id, at(1)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), changed).await.expect("woken");
}

async fn concurrent_submits_with_one_key_make_one_scan(fresh: Fresh) {
    let fresh = Arc::new(fresh);
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

async fn session_is_kept_until_it_expires_or_ends(fresh: Fresh) {
    let (now, minute) = (clock::now(), jiff::SignedDuration::from_secs(60));
    let store = &*fresh.store;
    assert_eq!(store.session("a", now).await.unwrap(), None);
    store.put_session("a", b"first", now + minute).await.unwrap();
    store.put_session("a", b"second", now + 2 * minute).await.unwrap();
    store.put_session("gone", b"expired", now - minute).await.unwrap();
    store.put_session("b", b"other", now + minute).await.unwrap();
    assert_eq!(store.session("gone", now).await.unwrap(), None);
    let fresh = fresh.reopen().await;
    let store = &*fresh.store;
    assert_eq!(store.session("a", now).await.unwrap().as_deref(), Some(b"second".as_slice()));
    store.delete_session("a").await.unwrap();
    store.delete_session("a").await.unwrap();
    assert_eq!(store.session("a", now).await.unwrap(), None);
    assert_eq!(store.session("b", now).await.unwrap().as_deref(), Some(b"other".as_slice()));
}

async fn used_key_is_found_without_a_submit(fresh: Fresh) {
    let store = &*fresh.store;
    let key = |request| keyed(new_scan("p", "a"), "k", request).idempotency.unwrap();
    assert!(store.known(&key(1), at(0)).await.unwrap().is_none());
    let first = submit(store, keyed(new_scan("p", "a"), "k", 1)).await;
    let known = store.known(&key(1), at(1)).await.unwrap();
    assert!(matches!(known, Some(Submitted::Known(scan)) if scan.id == first.id));
    assert!(matches!(store.known(&key(2), at(1)).await.unwrap(), Some(Submitted::KeyTaken)));
    store.delete(&first.id, true, at(1)).await.unwrap();
    let deleted = store.known(&key(1), at(1)).await.unwrap();
    assert!(matches!(deleted, Some(Submitted::Known(scan)) if scan.status() == Status::Cancelled));
    assert!(store.known(&key(1), at(100)).await.unwrap().is_none(), "it has expired");
}

async fn pools_are_served_in_turn(fresh: Fresh) {
    let store = &*fresh.store;
    for pool_name in ["a", "b"] {
        for _ in 0..6 {
            submit(store, new_scan(pool_name, pool_name)).await;
        }
    }
    let offers = ["a", "idle", "b"].map(|name| offer(name, &[("s", 100)]));
    let mut started = String::new();
    for _ in 0..6 {
        started += &claim(store, &offers).await.unwrap().0;
    }
    assert_eq!(started, "ababab");
    // A pool that was not served for long comes first, but does not catch up.
    submit(store, new_scan("idle", "i")).await;
    submit(store, new_scan("idle", "i")).await;
    let mut started = String::new();
    for _ in 0..4 {
        started += &claim(store, &offers).await.unwrap().0;
    }
    assert_eq!(started, "iabi");
}

async fn round_robin_is_independent_of_other_pools(fresh: Fresh) {
    let store = &*fresh.store;
    for _ in 0..4 {
        submit(store, new_scan("p", "p")).await;
        submit(store, new_scan("q", "q")).await;
    }
    let round = |name| PoolOffer { balance: Balance::RoundRobin, ..offer(name, &[("s1", 9), ("s2", 9)]) };
    let offers = [round("p"), round("q")];
    let mut of_p = Vec::new();
    while let Some((pool, scanner)) = claim(store, &offers).await {
        if pool == "p" {
            of_p.push(scanner);
        }
    }
    assert_eq!(of_p, ["s1", "s2", "s1", "s2"]);
}

async fn places_in_a_long_queue_are_exact(fresh: Fresh) {
    let store = &*fresh.store;
    let mut scans = Vec::new();
    for _ in 0..40 {
        scans.push(submit(store, new_scan("p", "a")).await);
    }
    store.cancel(&scans[10].id, at(1)).await.unwrap();
    store.delete(&scans[20].id, true, at(1)).await.unwrap();
    claim(store, &[offer("p", &[("s", 1)])]).await.unwrap();
    for (place, expected) in [(0, None), (1, Some(1)), (10, None), (11, Some(10)), (20, None), (39, Some(37))] {
        assert_eq!(store.position(&scans[place]).await.unwrap(), expected, "{place}");
    }
    assert_eq!(store.pool(&pool("p")).await.unwrap().queue_depth, 37);
    let fresh = fresh.reopen().await;
    assert_eq!(fresh.store.position(&scans[39]).await.unwrap(), Some(37), "also after a restart");
}
