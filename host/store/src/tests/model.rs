//! Compares the store with a plain model under random operations in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Operation {
    Submit {
        pool: usize,
        key: Option<u8>,
        request: u8,
    },
    Claim,
    Advance {
        scan: usize,
    },
    Finish {
        scan: usize,
        fails: bool,
    },
    Cancel {
        scan: usize,
    },
    FailWaiting {
        scan: usize,
    },
    Delete {
        scan: usize,
        force: bool,
    },
    Pause {
        pool: usize,
        paused: bool,
    },
    RetryLetter {
        scan: usize,
    },
    PurgeLetter {
        scan: usize,
    },
    /// A write of a worker that lost the scan.
    WriteStale {
        scan: usize,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    let scan = 0..8usize;
    prop_oneof![
        3 => (0..2usize, proptest::option::of(0..3u8), 0..2u8)
            .prop_map(|(pool, key, request)| Operation::Submit { pool, key, request }),
        3 => Just(Operation::Claim),
        2 => scan.clone().prop_map(|scan| Operation::Advance { scan }),
        2 => (scan.clone(), any::<bool>()).prop_map(|(scan, fails)| Operation::Finish { scan, fails }),
        1 => scan.clone().prop_map(|scan| Operation::Cancel { scan }),
        1 => scan.clone().prop_map(|scan| Operation::FailWaiting { scan }),
        1 => (scan.clone(), any::<bool>()).prop_map(|(scan, force)| Operation::Delete { scan, force }),
        1 => (0..2usize, any::<bool>()).prop_map(|(pool, paused)| Operation::Pause { pool, paused }),
        1 => scan.clone().prop_map(|scan| Operation::RetryLetter { scan }),
        1 => scan.clone().prop_map(|scan| Operation::PurgeLetter { scan }),
        1 => scan.prop_map(|scan| Operation::WriteStale { scan }),
    ]
}

const POOLS: [&str; 2] = ["p", "q"];
const CAPACITY: u32 = 2;

/// What the store should hold: the state of each scan, in the order of submits.
#[derive(Default)]
struct Model {
    scans: Vec<Modelled>,
    keys: BTreeMap<u8, (u8, usize)>,
    paused: [bool; 2],
}

struct Modelled {
    id: TaskId,
    pool: usize,
    /// The expected state; `None` once the scan was deleted.
    status: Option<Status>,
    fence: Option<Fence>,
    is_letter: bool,
}

impl Modelled {
    fn queued(id: TaskId, pool: usize) -> Self {
        Self { id, pool, status: Some(Status::Queued), fence: None, is_letter: false }
    }
}

impl Model {
    fn count(&self, pool: usize, status: Status) -> usize {
        self.scans.iter().filter(|scan| scan.pool == pool && scan.status == Some(status)).count()
    }

    fn next_to_start(&self) -> bool {
        let has_room = |pool: usize| self.count(pool, Status::Running) < CAPACITY as usize;
        (0..POOLS.len()).any(|pool| !self.paused[pool] && has_room(pool) && self.count(pool, Status::Queued) > 0)
    }
}

async fn apply(store: &dyn Store, model: &mut Model, operation: Operation) {
    let index = |scan: usize| (!model.scans.is_empty()).then(|| scan % model.scans.len());
    match operation {
        Operation::Submit { pool, key, request } => {
            let mut new = new_scan(POOLS[pool], "a");
            if let Some(key) = key {
                new = keyed(new, &format!("key{key}"), request);
            }
            let id = new.id.clone();
            let expected = key.and_then(|key| model.keys.get(&key).copied());
            match (store.submit(new).await.unwrap(), expected) {
                (Submitted::New { .. }, None) => {
                    if let Some(key) = key {
                        model.keys.insert(key, (request, model.scans.len()));
                    }
                    model.scans.push(Modelled::queued(id, pool));
                }
                (Submitted::KeyTaken, Some((first, _))) => assert_ne!(first, request),
                (Submitted::Known(scan), Some((first, place))) => {
                    assert_eq!((first, &scan.id), (request, &model.scans[place].id));
                    let status = model.scans[place].status;
                    assert!(status.is_none_or(|status| status == scan.status()), "{scan:?}");
                }
                (answer, expected) => panic!("{answer:?} where {expected:?} was expected"),
            }
        }
        Operation::Claim => {
            let offers = POOLS.map(|pool| offer(pool, &[("s", CAPACITY)]));
            let claimed = store.claim(&offers, at(1)).await.unwrap();
            assert_eq!(claimed.is_some(), model.next_to_start());
            if let Some(claimed) = claimed {
                let place = model.scans.iter().position(|scan| scan.id == claimed.scan.id).unwrap();
                let pool = model.scans[place].pool;
                assert!(!model.paused[pool]);
                let first = model.scans.iter().position(|s| s.pool == pool && s.status == Some(Status::Queued));
                assert_eq!(first, Some(place), "first in, first out");
                model.scans[place].status = Some(Status::Running);
                model.scans[place].fence = Some(claimed.running.fence);
            }
        }
        Operation::Advance { scan } => {
            let Some(place) = index(scan) else { return };
            let scan = &model.scans[place];
            let change = Change::Retry("away".into());
            let updated = store.update(&scan.id, scan.fence.unwrap_or(Fence(1)), change).await;
            assert_eq!(updated.is_ok(), scan.status == Some(Status::Running));
        }
        Operation::Finish { scan, fails } => {
            let Some(place) = index(scan) else { return };
            let scan = &mut model.scans[place];
            let outcome = if fails {
                Outcome::Failed(Failure { code: FailureCode::Rejected, message: "no".into() })
            } else {
                completed()
            };
            let status = outcome.status();
            let finished = store.finish(&scan.id, scan.fence.unwrap_or(Fence(1)), outcome, at(2)).await;
            assert_eq!(finished.is_ok(), scan.status == Some(Status::Running));
            if finished.is_ok() {
                scan.status = Some(status);
                scan.is_letter = fails;
            }
        }
        Operation::Cancel { scan } => {
            let Some(place) = index(scan) else { return };
            let scan = &mut model.scans[place];
            match (store.cancel(&scan.id, at(3)).await.unwrap(), scan.status) {
                (Cancelled::Ended(_), Some(Status::Queued)) => scan.status = Some(Status::Cancelled),
                (Cancelled::Requested(_), Some(Status::Running)) => {}
                (Cancelled::NotFound, None) => {}
                (Cancelled::Refused(_), Some(status)) => {
                    assert!(!matches!(status, Status::Queued | Status::Running));
                }
                (answer, status) => panic!("{answer:?} for {status:?}"),
            }
        }
        Operation::FailWaiting { scan } => {
            let Some(place) = index(scan) else { return };
            let scan = &mut model.scans[place];
            let failure = Failure { code: FailureCode::Configuration, message: "gone".into() };
            let failed = store.fail_waiting(&scan.id, failure, at(2)).await.unwrap();
            assert_eq!(failed.is_some(), scan.status == Some(Status::Queued));
            if failed.is_some() {
                scan.status = Some(Status::Failed);
                scan.is_letter = true;
            }
        }
        Operation::Delete { scan, force } => {
            let Some(place) = index(scan) else { return };
            let scan = &mut model.scans[place];
            let is_running = scan.status == Some(Status::Running);
            match store.delete(&scan.id, force, at(4)).await.unwrap() {
                Deleted::NotFound => assert_eq!(scan.status, None),
                Deleted::Running => assert!(is_running && !force),
                Deleted::Done(_) => {
                    assert!(scan.status.is_some() && (force || !is_running));
                    scan.status = None;
                    scan.is_letter = false;
                }
            }
        }
        Operation::Pause { pool: place, paused } => {
            store.pause(&pool(POOLS[place]), paused).await.unwrap();
            model.paused[place] = paused;
        }
        Operation::RetryLetter { scan } => {
            let Some(place) = index(scan) else { return };
            let letter = &mut model.scans[place];
            let new = NewScan { retry_of: Some(letter.id.clone()), ..new_scan(POOLS[letter.pool], "again") };
            let (id, pool) = (new.id.clone(), letter.pool);
            let retried = store.retry_dead_letter(new).await.unwrap();
            assert_eq!(retried.is_some(), letter.is_letter);
            letter.is_letter = false;
            if retried.is_some() {
                model.scans.push(Modelled::queued(id, pool));
            }
        }
        Operation::PurgeLetter { scan } => {
            let Some(place) = index(scan) else { return };
            let letter = &mut model.scans[place];
            let purged = store.purge_dead_letters(std::slice::from_ref(&letter.id)).await.unwrap();
            assert_eq!(purged, u64::from(letter.is_letter));
            letter.is_letter = false;
        }
        Operation::WriteStale { scan } => {
            let Some(place) = index(scan) else { return };
            let scan = &model.scans[place];
            let stale = store.update(&scan.id, Fence(99), Change::Progressed).await;
            assert!(matches!(stale, Err(WorkError::Stale)));
        }
    }
}

async fn check(store: &dyn Store, model: &Model) {
    for (place, name) in POOLS.iter().enumerate() {
        let state = store.pool(&pool(name)).await.unwrap();
        assert_eq!(state.queue_depth, model.count(place, Status::Queued) as u64);
        let letters = model.scans.iter().filter(|scan| scan.pool == place && scan.is_letter).count();
        assert_eq!(state.dead_letters, letters as u64);
        assert_eq!(store.dead_letters(Some(&pool(name))).await.unwrap().len(), letters);
        assert_eq!(state.paused, model.paused[place]);
    }
    let mut waiting = [0; 2];
    for scan in model.scans.iter().filter(|scan| scan.status == Some(Status::Queued)) {
        waiting[scan.pool] += 1;
        let stored = store.scan(&scan.id).await.unwrap().unwrap();
        assert_eq!(store.position(&stored).await.unwrap(), Some(waiting[scan.pool]));
    }
    let active: u32 = store.active().await.unwrap().iter().map(|(_, count)| *count).sum();
    let running = model.scans.iter().filter(|scan| scan.status == Some(Status::Running)).count();
    assert_eq!(active as usize, running);
    for scan in &model.scans {
        assert_eq!(store.scan(&scan.id).await.unwrap().map(|scan| scan.status()), scan.status);
    }
}

async fn run(fresh: Fresh, operations: Vec<Operation>) {
    let mut model = Model::default();
    for operation in operations {
        apply(&*fresh.store, &mut model, operation).await;
    }
    check(&*fresh.store, &model).await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_embedded_store_does_what_the_model_does(operations in proptest::collection::vec(operation(), 1..60)) {
        runtime().block_on(run(Fresh::embedded(), operations));
    }

    #[test]
    fn the_store_over_redis_does_what_the_model_does(operations in proptest::collection::vec(operation(), 1..60)) {
        runtime().block_on(async { run(Fresh::redis().await, operations).await });
    }
}
