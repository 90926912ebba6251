//! Records that no store can read: damaged ones, and those of a newer version.

use super::*;

on_each_store![unreadable_scans_hold_up_nobody_and_stay, unreadable_record_says_whether_it_is_damaged_or_newer,];

const DAMAGED: &[u8] = b"{\"v\": 1, \"id\": \xff";
/// A record whose format has only its version in common with this one.
const NEWER: &[u8] = b"{\"v\": 2, \"scan\": {}}";

/// More lost scans than one claim reads.
const LOST: usize = 12;

async fn unreadable_scans_hold_up_nobody_and_stay(fresh: Fresh) {
    let offers = [offer("p", &[("s", 99)]), offer("q", &[("s", 99)])];
    let mut unreadable = Vec::new();
    for place in 0..=LOST {
        let scan = submit(&*fresh.store, new_scan("p", "runs")).await;
        fresh.store.claim(&offers, at(1)).await.unwrap().unwrap();
        if place < LOST {
            unreadable.push(scan.id);
        }
    }
    for name in ["waits", "waits too"] {
        unreadable.push(submit(&*fresh.store, new_scan("p", name)).await.id);
    }
    submit(&*fresh.store, new_scan("p", "good")).await;
    submit(&*fresh.store, new_scan("q", "other")).await;
    let records = unreadable.iter().cloned().zip([DAMAGED, NEWER].into_iter().cycle());
    let fresh = fresh.overwritten(&records.collect::<Vec<_>>()).await;

    let mut claimed = BTreeSet::new();
    while let Some((name, _)) = claim(&*fresh.store, &offers).await {
        assert!(claimed.insert(name));
    }
    assert_eq!(claimed, ["runs", "good", "other"].map(str::to_owned).into());
    for limit in [1, 99] {
        let (mut query, mut listed) = (ListQuery { limit, ..ListQuery::default() }, BTreeSet::new());
        loop {
            let page = fresh.store.list(query.clone()).await.unwrap();
            listed.extend(page.scans.into_iter().map(|scan| scan.request.name));
            let Some(next) = page.next else { break };
            query.before = Some(next);
        }
        assert_eq!(listed, claimed, "{limit}");
    }
    let state = fresh.store.pool(&pool("p")).await.unwrap();
    assert_eq!((state.queue_depth, state.next.len()), (2, 0));
    for id in &unreadable {
        assert!(matches!(fresh.store.scan(id).await, Err(StoreError::Damaged(_))));
        assert!(matches!(fresh.store.delete(id, true, at(2)).await, Err(StoreError::Damaged(_))));
        assert!(matches!(fresh.store.cancel(id, at(2)).await, Err(StoreError::Damaged(_))));
    }
}

async fn unreadable_record_says_whether_it_is_damaged_or_newer(fresh: Fresh) {
    let table = [(DAMAGED, false), (NEWER, true)];
    let mut records = Vec::new();
    for (record, _) in table {
        records.push((submit(&*fresh.store, new_scan("p", "a")).await.id, record));
    }
    let fresh = fresh.overwritten(&records).await;
    for ((id, _), (_, is_newer)) in records.iter().zip(table) {
        let StoreError::Damaged(bad) = fresh.store.scan(id).await.unwrap_err() else { panic!("the record was read") };
        assert_eq!(matches!(bad, record::BadRecord::Version(2)), is_newer, "{bad}");
    }
}
