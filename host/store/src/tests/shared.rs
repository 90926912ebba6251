//! What a store that many processes share has to do. Each store here stands for one process.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    super::redis::{LEASE, RedisStore},
    answer_losing_proxy::AnswerLosingProxy,
    fresh::{connect, new_prefix, raw},
    redis_server::RedisServer,
    *,
};

const SHORT_LEASE: Duration = Duration::from_millis(400);

/// A write to a Redis that was killed meanwhile may have been sent already, so both errors are right.
fn is_away(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::AnswerLost(_))
}

/// Tries to claim until there is a scan.
async fn claim_soon(store: &RedisStore, offers: &[PoolOffer]) -> Claimed {
    let begin = Instant::now();
    loop {
        if let Some(claimed) = store.claim(offers, at(1)).await.unwrap() {
            return claimed;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "nothing to claim");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_claim_each_scan_once_and_never_exceed_the_capacity() {
    const SCANS: usize = 200;
    let prefix = new_prefix();
    let stores = [Arc::new(connect(&prefix, LEASE).await), Arc::new(connect(&prefix, LEASE).await)];
    for place in 0..SCANS {
        submit(&*stores[place % 2], new_scan(["p", "q"][place % 2], "a")).await;
    }
    let rooms = [("s1", 1), ("s2", 3)];
    let offers = Arc::new([offer("p", &rooms), offer("q", &rooms)]);
    let claimed = Arc::new(Mutex::new(BTreeSet::new()));
    let busy = Arc::new(Mutex::new(BTreeMap::<ScannerId, u32>::new()));
    let mut workers = JoinSet::new();
    for worker in 0..16 {
        let (store, offers) = (stores[worker % 2].clone(), offers.clone());
        let (claimed, busy) = (claimed.clone(), busy.clone());
        workers.spawn(async move {
            while claimed.lock().unwrap().len() < SCANS {
                let Some(next) = store.claim(&*offers, at(1)).await.unwrap() else {
                    tokio::task::yield_now().await;
                    continue;
                };
                assert!(claimed.lock().unwrap().insert(next.scan.id.clone()), "claimed twice");
                assert_eq!(next.running.fence, Fence(1));
                let scanner = next.running.slot.scanner.clone();
                let room = rooms.iter().find(|(instance, _)| *instance == scanner.instance.as_str()).unwrap().1;
                {
                    let mut busy = busy.lock().unwrap();
                    let count = busy.entry(scanner.clone()).or_default();
                    *count += 1;
                    assert!(*count <= room, "{scanner} has {count}");
                }
                tokio::task::yield_now().await;
                *busy.lock().unwrap().get_mut(&scanner).unwrap() -= 1;
                store.finish(&next.scan.id, next.running.fence, completed(), at(2)).await.unwrap();
            }
        });
    }
    workers.join_all().await;
    assert_eq!(claimed.lock().unwrap().len(), SCANS);
    assert_eq!(stores[0].active().await.unwrap(), []);
}

#[tokio::test]
async fn scan_with_an_expired_lease_is_claimed_and_its_old_worker_fenced_off() {
    let prefix = new_prefix();
    let (first, second) = (connect(&prefix, SHORT_LEASE).await, connect(&prefix, LEASE).await);
    let offers = [offer("p", &[("s", 1)])];
    submit(&first, new_scan("p", "a")).await;
    let lost = first.claim(&offers, at(1)).await.unwrap().unwrap();
    let id = &lost.scan.id;
    // A store that has just connected waits for half of its own lease, so that others can renew theirs.
    assert!(second.claim(&offers, at(1)).await.unwrap().is_none());
    let third = connect(&prefix, SHORT_LEASE).await;
    let taken = claim_soon(&third, &offers).await;
    assert_eq!((&taken.scan.id, taken.running.recoveries), (id, 1));
    assert!(taken.running.fence > lost.running.fence);
    let fence = lost.running.fence;
    assert!(matches!(first.heartbeat(id, fence).await, Err(WorkError::Stale)));
    assert!(matches!(first.update(id, fence, Change::Progressed).await, Err(WorkError::Stale)));
    assert!(matches!(first.finish(id, fence, completed(), at(2)).await, Err(WorkError::Stale)));
    assert!(third.finish(id, taken.running.fence, completed(), at(2)).await.is_ok());
}

#[tokio::test]
async fn heartbeats_extend_the_lease() {
    let prefix = new_prefix();
    let lease = Duration::from_secs(6);
    let (worker, other) = (connect(&prefix, lease).await, connect(&prefix, lease).await);
    let offers = [offer("p", &[("s", 1)])];
    submit(&worker, new_scan("p", "a")).await;
    let claimed = worker.claim(&offers, at(1)).await.unwrap().unwrap();
    let begin = Instant::now();
    while begin.elapsed() < lease * 3 / 2 {
        worker.heartbeat(&claimed.scan.id, claimed.running.fence).await.unwrap();
        assert!(other.claim(&offers, at(1)).await.unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn keys_for_operators_have_their_documented_names() {
    let prefix = new_prefix();
    let store = connect(&prefix, LEASE).await;
    let first = submit(&store, keyed(new_scan("nessus", "first"), "k1", 1)).await;
    let second = submit(&store, new_scan("nessus", "second")).await;
    let mut keys = raw(RedisServer::shared());
    let queue: Vec<String> =
        ::redis::cmd("LRANGE").arg(format!("{prefix}nessus:queue")).arg(0).arg(-1).query(&mut keys).unwrap();
    assert_eq!(queue, [first.id.to_string(), second.id.to_string()]);
    let left: i64 = ::redis::cmd("PTTL").arg(format!("{prefix}idemp:k1")).query(&mut keys).unwrap();
    assert!((1..=100_000).contains(&left), "{left}");

    let claimed = store.claim(&[offer("nessus", &[("s", 1)])], at(1)).await.unwrap().unwrap();
    let failure = Failure { code: FailureCode::Rejected, message: "no".into() };
    store.finish(&first.id, claimed.running.fence, Outcome::Failed(failure), at(2)).await.unwrap();
    let depth: u64 = ::redis::cmd("LLEN").arg(format!("{prefix}nessus:queue")).query(&mut keys).unwrap();
    assert_eq!(depth, 1);
    let dead: Vec<(String, f64)> = ::redis::cmd("ZRANGE")
        .arg(format!("{prefix}nessus:queue:dead"))
        .arg(0)
        .arg(-1)
        .arg("WITHSCORES")
        .query(&mut keys)
        .unwrap();
    assert_eq!(dead, [(first.id.to_string(), at(2).as_millisecond() as f64)]);
}

#[tokio::test]
async fn store_is_bound_to_one_secrets_key() {
    let prefix = new_prefix();
    let (first, second) = (connect(&prefix, LEASE).await, connect(&prefix, LEASE).await);
    first.bind_key([1; 8]).await.unwrap();
    second.bind_key([1; 8]).await.unwrap();
    assert!(matches!(second.bind_key([2; 8]).await, Err(StoreError::OtherKey)));
}

#[tokio::test]
async fn other_processes_are_woken_by_changes_and_new_scans() {
    let prefix = new_prefix();
    let (api, worker) = (connect(&prefix, LEASE).await, connect(&prefix, LEASE).await);
    let scan = submit(&api, new_scan("p", "a")).await;
    let watch = worker.watch(&scan.id);
    let changed = watch.changed();
    api.cancel(&scan.id, at(1)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), changed).await.expect("woken");
}

#[tokio::test]
async fn acknowledged_writes_survive_redis_and_calls_fail_soon_while_it_is_away() {
    let mut server = RedisServer::durable();
    let store = RedisStore::connect(&server.url(), "", LEASE).await.unwrap();
    let offers = [offer("p", &[("s", 1)])];
    let running = submit(&store, keyed(new_scan("p", "running"), "k", 1)).await;
    let waiting = submit(&store, new_scan("p", "waiting")).await;
    let fence = store.claim(&offers, at(1)).await.unwrap().unwrap().running.fence;

    server.kill();
    for _ in 0..3 {
        let begin = Instant::now();
        assert!(is_away(&store.submit(new_scan("p", "refused")).await.unwrap_err()));
        let update = store.update(&running.id, fence, Change::Progressed).await;
        assert!(matches!(update, Err(WorkError::Store(error)) if is_away(&error)));
        assert!(is_away(&store.claim(&offers, at(1)).await.unwrap_err()));
        assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    }

    server.start_again();
    let creating = Change::Enter { phase: Phase::Creating, plugin_state: None };
    assert_eq!(store.update(&running.id, fence, creating).await.unwrap().phase, Phase::Creating);
    assert_eq!(store.position(&waiting).await.unwrap(), Some(1));
    let again = store.submit(keyed(new_scan("p", "running"), "k", 1)).await.unwrap();
    assert!(matches!(again, Submitted::Known(scan) if scan.id == running.id));
    store.heartbeat(&running.id, fence).await.unwrap();
    store.finish(&running.id, fence, completed(), at(2)).await.unwrap();
    assert_eq!(store.claim(&offers, at(3)).await.unwrap().unwrap().scan.id, waiting.id);
}

#[tokio::test]
async fn watcher_is_woken_after_redis_was_away() {
    let mut server = RedisServer::durable();
    let url = server.url();
    let api = RedisStore::connect(&url, "", LEASE).await.unwrap();
    let worker = RedisStore::connect(&url, "", LEASE).await.unwrap();
    let scan = submit(&api, new_scan("p", "a")).await;
    server.kill();
    server.start_again();
    let watch = worker.watch(&scan.id);
    let changed = watch.changed();
    // The first call after a loss may fail. The next one restores the connection, and with it the published messages.
    for store in [&worker, &api] {
        let begin = Instant::now();
        while store.scan(&scan.id).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the connection does not come back");
        }
    }
    api.cancel(&scan.id, at(1)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), changed).await.expect("woken");
}

#[tokio::test]
async fn worker_recognises_its_own_step_after_a_lost_answer() {
    let (prefix, offers) = (new_prefix(), [offer("p", &[("s", 1)])]);
    let proxy = AnswerLosingProxy::start(RedisServer::shared().socket()).await;
    let store = RedisStore::connect(proxy.url(), &prefix, LEASE).await.unwrap();
    let id = submit(&store, new_scan("p", "a")).await.id;
    let fence = store.claim(&offers, at(1)).await.unwrap().unwrap().running.fence;

    let creating = || store.update(&id, fence, Change::Enter { phase: Phase::Creating, plugin_state: None });
    proxy.lose_next();
    assert!(matches!(creating().await, Err(WorkError::Store(StoreError::AnswerLost(_)))));
    assert_eq!(creating().await.unwrap().phase, Phase::Creating);
    assert!(matches!(creating().await, Err(WorkError::Stale)), "its answer arrived, so this is not a second try");

    let finish = || store.finish(&id, fence, completed(), at(2));
    proxy.lose_next();
    assert!(matches!(finish().await, Err(WorkError::Store(StoreError::AnswerLost(_)))));
    assert_eq!(finish().await.unwrap().status(), Status::Completed);
    assert!(matches!(finish().await, Err(WorkError::Stale)), "its answer arrived, so this is not a second try");
    assert_eq!(store.active().await.unwrap(), []);
}

#[tokio::test]
async fn lost_answer_to_a_submit_is_reported_as_unknown() {
    let prefix = new_prefix();
    let proxy = AnswerLosingProxy::start(RedisServer::shared().socket()).await;
    let store = RedisStore::connect(proxy.url(), &prefix, LEASE).await.unwrap();
    proxy.lose_next();
    let new = keyed(new_scan("p", "a"), "k", 1);
    let error = store.submit(new.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::AnswerLost(_)), "{error}");
    // The caller is told to list the scans or to repeat the key: both find the scan, which was stored.
    let listed = store.list(ListQuery { limit: 9, ..ListQuery::default() }).await.unwrap();
    assert_eq!(listed.scans.iter().map(|scan| &scan.id).collect::<Vec<_>>(), [&new.id]);
    let again = store.submit(NewScan { id: new_task_id(), ..new.clone() }).await.unwrap();
    assert!(matches!(again, Submitted::Known(scan) if scan.id == new.id));
}

#[tokio::test]
async fn unanswered_query_is_reported_as_unavailable() {
    let mut server = RedisServer::durable();
    let store = RedisStore::connect(&server.url(), "", LEASE).await.unwrap();
    server.kill();
    let error = store.scan(&new_task_id()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}
