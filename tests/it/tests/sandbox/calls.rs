//! Many calls at once.

use std::sync::Arc;

use scanhost_it::guests::{MOCK, PANIC};
use scanhost_sandbox::Fault;
use tokio::task::JoinSet;

use crate::{
    loaded::{self, LIMITS, first_call},
    reach::nothing,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_places_wait_for_one() {
    let mock = Arc::new(loaded::backend(MOCK, LIMITS).await);
    let mut calls = JoinSet::new();
    for _ in 0..130 {
        let mock = mock.clone();
        calls.spawn(async move { mock.health(nothing(), first_call()).await });
    }
    for answer in calls.join_all().await {
        assert!(answer.unwrap().unwrap().ready);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_gives_its_place_back() {
    let panic = Arc::new(loaded::backend(PANIC, LIMITS).await);
    let mut calls = JoinSet::new();
    for _ in 0..130 {
        let panic = panic.clone();
        calls.spawn(async move { panic.status(nothing(), first_call(), "1").await });
    }
    for answer in calls.join_all().await {
        assert!(matches!(answer, Err(Fault::Crash(_))), "{answer:?}");
    }
}
