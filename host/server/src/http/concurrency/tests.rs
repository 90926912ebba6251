use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::Barrier,
    task::{JoinSet, yield_now},
    time::timeout,
};

use super::{AT_A_TIME, Concurrency, Duration};

#[tokio::test]
async fn so_many_are_worked_on_at_a_time_and_all_are_done() {
    let (concurrency, working, most) = <(Arc<Concurrency>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let full = Arc::new(Barrier::new(AT_A_TIME));
    let mut requests = JoinSet::new();
    for _ in 0..3 * AT_A_TIME {
        let (concurrency, working, most, full) = (concurrency.clone(), working.clone(), most.clone(), full.clone());
        requests.spawn(async move {
            let work = async {
                most.fetch_max(working.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                full.wait().await;
                working.fetch_sub(1, Ordering::Relaxed);
            };
            concurrency.limit(work).await;
        });
    }
    assert_eq!(requests.join_all().await.len(), 3 * AT_A_TIME);
    assert_eq!(most.load(Ordering::Relaxed), AT_A_TIME);
}

#[tokio::test]
async fn those_that_wait_are_in_nobodys_way() {
    let concurrency = Arc::<Concurrency>::default();
    let mut waiting = JoinSet::new();
    for _ in 0..2 * AT_A_TIME {
        let concurrency = concurrency.clone();
        waiting.spawn(async move { concurrency.limit(pending::<()>()).await });
    }
    while concurrency.0.available_permits() > 0 {
        yield_now().await;
    }
    let done = timeout(Duration::from_secs(30), concurrency.limit(ready(7))).await;
    assert_eq!(done.expect("a place"), 7);
}
