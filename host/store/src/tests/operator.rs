//! What operators, housekeeping and heartbeats need of every store.

use super::*;

on_each_store![
    paused_pool_starts_nothing_new_and_running_scans_go_on,
    dead_letters_come_oldest_first,
    dead_letter_is_retried_once,
    purged_letters_are_gone_and_their_scans_stay,
    scans_expire_when_nobody_has_asked_for_them,
    scanner_reports_are_the_latest,
    only_the_worker_of_a_scan_renews_its_lease,
    progress_is_shown_and_never_goes_back,
    released_scan_is_claimed_again,
    scans_that_wait_for_a_removed_scanner_are_found_and_failed,
    one_process_at_a_time_probes_a_scanner,
];

fn failed() -> Outcome {
    Outcome::Failed(Failure { code: FailureCode::Rejected, message: "no".into() })
}

/// Submits a scan, starts it and ends it with this outcome.
async fn ended(store: &dyn Store, pool_name: &str, outcome: Outcome, second: i64) -> TaskId {
    let scan = submit(store, new_scan(pool_name, "a")).await;
    let claimed = store.claim(&[offer(pool_name, &[("s", 8)])], at(1)).await.unwrap().unwrap();
    assert_eq!(claimed.scan.id, scan.id);
    store.finish(&scan.id, claimed.running.fence, outcome, at(second)).await.unwrap();
    scan.id
}

async fn paused_pool_starts_nothing_new_and_running_scans_go_on(fresh: Fresh) {
    let store = &*fresh.store;
    submit(store, new_scan("p", "first")).await;
    submit(store, new_scan("p", "second")).await;
    submit(store, new_scan("q", "other")).await;
    let offers = [offer("p", &[("s", 8)]), offer("q", &[("s", 8)])];
    let first = store.claim(&offers[..1], at(1)).await.unwrap().unwrap();
    store.pause(&pool("p"), true).await.unwrap();
    assert!(store.pool(&pool("p")).await.unwrap().paused);
    assert!(store.is_paused(&pool("p")).await.unwrap());
    assert!(!store.is_paused(&pool("q")).await.unwrap());
    assert_eq!(claim(store, &offers).await.unwrap().0, "other");
    assert_eq!(claim(store, &offers).await, None);
    store.finish(&first.scan.id, first.running.fence, completed(), at(2)).await.unwrap();
    store.pause(&pool("p"), false).await.unwrap();
    assert!(!store.is_paused(&pool("p")).await.unwrap());
    assert_eq!(claim(store, &offers).await.unwrap().0, "second");
}

async fn dead_letters_come_oldest_first(fresh: Fresh) {
    let store = &*fresh.store;
    let late = ended(store, "p", failed(), 9).await;
    let early = ended(store, "q", failed(), 7).await;
    ended(store, "p", completed(), 8).await;
    let letters = store.dead_letters(None).await.unwrap();
    let expected = [
        DeadLetter { id: early.clone(), pool: pool("q"), failed_at: at(7) },
        DeadLetter { id: late.clone(), pool: pool("p"), failed_at: at(9) },
    ];
    assert_eq!(letters, expected);
    assert_eq!(store.dead_letters(Some(&pool("p"))).await.unwrap(), expected[1..]);
    assert_eq!(store.dead_letters(Some(&pool("unheard-of"))).await.unwrap(), []);
}

async fn dead_letter_is_retried_once(fresh: Fresh) {
    let store = &*fresh.store;
    let letter = ended(store, "p", failed(), 2).await;
    let again = || NewScan { retry_of: Some(letter.clone()), max_depth: 0, ..new_scan("p", "again") };
    let retried = store.retry_dead_letter(again()).await.unwrap().expect("a new scan");
    assert_eq!((retried.status(), retried.retry_of), (Status::Queued, Some(letter.clone())));
    assert_eq!(store.retry_dead_letter(again()).await.unwrap(), None);
    let state = store.pool(&pool("p")).await.unwrap();
    assert_eq!((state.queue_depth, state.dead_letters), (1, 0));
    assert_eq!(store.scan(&letter).await.unwrap().unwrap().status(), Status::Failed);
}

async fn purged_letters_are_gone_and_their_scans_stay(fresh: Fresh) {
    let store = &*fresh.store;
    let letters = [ended(store, "p", failed(), 2).await, ended(store, "q", failed(), 2).await];
    let kept = ended(store, "p", failed(), 3).await;
    let with_strangers = [letters.as_slice(), &[new_task_id()]].concat();
    assert_eq!(store.purge_dead_letters(&with_strangers).await.unwrap(), 2);
    assert_eq!(store.purge_dead_letters(&with_strangers).await.unwrap(), 0);
    let left: Vec<_> = store.dead_letters(None).await.unwrap().into_iter().map(|letter| letter.id).collect();
    assert_eq!(left, [kept]);
    assert!(store.scan(&letters[0]).await.unwrap().is_some());
}

async fn scans_expire_when_nobody_has_asked_for_them(fresh: Fresh) {
    let store = &*fresh.store;
    let done = ended(store, "p", completed(), 10).await;
    let asked_for = ended(store, "p", completed(), 10).await;
    let broken = ended(store, "p", failed(), 10).await;
    let running = submit(store, new_scan("p", "a")).await;
    store.touch(&asked_for, at(50)).await.unwrap();
    store.touch(&running.id, at(2)).await.unwrap();
    store.touch(&new_task_id(), at(2)).await.unwrap();
    for (completed_before, failed_before, limit, expected) in [
        (10, 10, 9, vec![]),
        (11, 10, 9, vec![&done]),
        (10, 11, 9, vec![&broken]),
        (51, 5, 9, vec![&done, &asked_for]),
        (51, 51, 9, vec![&done, &asked_for, &broken]),
    ] {
        let expired = store.expired(at(completed_before), at(failed_before), limit).await.unwrap();
        let expired: BTreeSet<_> = expired.iter().collect();
        assert_eq!(expired, expected.into_iter().collect(), "{completed_before} {failed_before}");
    }
    assert_eq!(store.expired(at(51), at(51), 2).await.unwrap().len(), 2);
    // Asking once more does not make it older.
    store.touch(&asked_for, at(20)).await.unwrap();
    store.delete(&done, false, at(60)).await.unwrap();
    store.touch(&done, at(60)).await.unwrap();
    assert_eq!(store.expired(at(99), at(0), 9).await.unwrap(), [asked_for]);
}

async fn scanner_reports_are_the_latest(fresh: Fresh) {
    let store = &*fresh.store;
    let scanner = |instance: &str| ScannerId { pool: pool("p"), instance: instance.parse().unwrap() };
    let report = |up, circuit| ScannerReport {
        up,
        refuses_login: !up,
        message: "\"1.0\" ☃".into(),
        circuit,
        changed_at: Some(at(0)),
        reported_at: at(1),
    };
    assert_eq!(store.scanner_reports().await.unwrap(), []);
    store.report_scanner(&scanner("a"), report(true, Circuit::Closed)).await.unwrap();
    store.report_scanner(&scanner("b"), report(true, Circuit::HalfOpen)).await.unwrap();
    store.report_scanner(&scanner("a"), report(false, Circuit::Open)).await.unwrap();
    let mut reports = store.scanner_reports().await.unwrap();
    reports.sort_by_key(|(scanner, _)| scanner.clone());
    let expected = [(scanner("a"), report(false, Circuit::Open)), (scanner("b"), report(true, Circuit::HalfOpen))];
    assert_eq!(reports, expected);
}

async fn only_the_worker_of_a_scan_renews_its_lease(fresh: Fresh) {
    let store = &*fresh.store;
    let scan = submit(store, new_scan("p", "a")).await;
    let is_stale = async |fence| matches!(store.heartbeat(&scan.id, fence).await, Err(WorkError::Stale));
    assert!(is_stale(Fence(1)).await, "it does not run");
    let fence = store.claim(&[offer("p", &[("s", 1)])], at(1)).await.unwrap().unwrap().running.fence;
    assert!(!is_stale(fence).await);
    assert!(is_stale(Fence(fence.0 + 1)).await);
    store.cancel(&scan.id, at(2)).await.unwrap();
    assert!(!is_stale(fence).await, "it is the scan's worker");
    store.finish(&scan.id, fence, Outcome::Cancelled, at(3)).await.unwrap();
    assert!(is_stale(fence).await, "it has ended");
}

async fn progress_is_shown_and_never_goes_back(fresh: Fresh) {
    let store = &*fresh.store;
    let scan = submit(store, new_scan("p", "a")).await;
    let fence = store.claim(&[offer("p", &[("s", 1)])], at(1)).await.unwrap().unwrap().running.fence;
    for (by, percent, expected) in [(fence, 40, 40), (fence, 30, 40), (Fence(9), 90, 40), (fence, 55, 55)] {
        store.note_progress(&scan.id, by, percent).await;
        let shown = store.scan(&scan.id).await.unwrap().unwrap();
        let ScanState::Running(running) = shown.state else { panic!("{shown:?}") };
        assert_eq!(running.progress, expected);
    }
    let ended = store.finish(&scan.id, fence, Outcome::Timeout, at(2)).await.unwrap();
    let ScanState::Finished(finished) = ended.state else { panic!("{ended:?}") };
    assert_eq!(finished.run.as_ref().unwrap().progress, 55);
}

async fn released_scan_is_claimed_again(fresh: Fresh) {
    let store = &*fresh.store;
    submit(store, new_scan("p", "a")).await;
    let offers = [offer("p", &[("s", 1)])];
    let first = store.claim(&offers, at(1)).await.unwrap().unwrap();
    store.release(&first.scan.id, Fence(9)).await;
    assert_eq!(claim(store, &offers).await, None, "another worker cannot release it");
    store.release(&first.scan.id, first.running.fence).await;
    let again = store.claim(&offers, at(2)).await.unwrap().unwrap();
    assert_eq!(again.scan.id, first.scan.id);
    assert!(again.running.fence > first.running.fence);
    assert!(matches!(store.heartbeat(&first.scan.id, first.running.fence).await, Err(WorkError::Stale)));
}

async fn scans_that_wait_for_a_removed_scanner_are_found_and_failed(fresh: Fresh) {
    let store = &*fresh.store;
    let pinned = |instance: &str| {
        let mut new = new_scan("p", "pinned");
        new.request.instance = Some(instance.parse().unwrap());
        new
    };
    let stays = submit(store, new_scan("p", "a")).await;
    let pinned_stays = submit(store, pinned("s1")).await;
    let no_scanner = submit(store, pinned("gone")).await;
    let no_pool = submit(store, new_scan("gone", "a")).await;
    let ran = submit(store, pinned("old")).await;
    assert_eq!(claim(store, &[offer("p", &[("old", 1)])]).await.unwrap().0, "a", "the first may run anywhere");
    store.cancel(&ran.id, at(1)).await.unwrap();
    let mut known = ConfiguredScanners::default();
    known.add(&ScannerId { pool: pool("p"), instance: "s1".parse().unwrap() });
    let found: BTreeSet<_> = store.stranded(known.clone(), 9).await.unwrap().into_iter().collect();
    assert_eq!(found, BTreeSet::from([no_scanner.id.clone(), no_pool.id.clone()]));
    assert_eq!(store.stranded(known.clone(), 1).await.unwrap().len(), 1);

    let failure = || Failure { code: FailureCode::Configuration, message: "gone".into() };
    for id in &found {
        let failed = store.fail_waiting(id, failure(), at(2)).await.unwrap().unwrap();
        assert_eq!(failed.status(), Status::Failed);
        assert_eq!(store.fail_waiting(id, failure(), at(2)).await.unwrap(), None, "it has ended");
    }
    assert_eq!(store.fail_waiting(&stays.id, failure(), at(2)).await.unwrap(), None, "it runs");
    assert_eq!(store.fail_waiting(&new_task_id(), failure(), at(2)).await.unwrap(), None);
    assert_eq!(store.stranded(known, 9).await.unwrap(), []);
    let letters: BTreeSet<_> = store.dead_letters(None).await.unwrap().into_iter().map(|letter| letter.id).collect();
    assert_eq!(letters, found);
    assert_eq!(store.position(&pinned_stays).await.unwrap(), Some(1));
    assert_eq!(store.pool(&pool("gone")).await.unwrap().queue_depth, 0);
}

async fn one_process_at_a_time_probes_a_scanner(fresh: Fresh) {
    let store = &*fresh.store;
    let scanner = |instance: &str| ScannerId { pool: pool("p"), instance: instance.parse().unwrap() };
    let time = Duration::from_millis(200);
    assert!(store.take_probe(&scanner("a"), time).await.unwrap());
    assert!(!store.take_probe(&scanner("a"), time).await.unwrap());
    assert!(store.take_probe(&scanner("b"), time).await.unwrap());
    let begin = std::time::Instant::now();
    while !store.take_probe(&scanner("a"), time).await.unwrap() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is never free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.probe().await.unwrap();
}
