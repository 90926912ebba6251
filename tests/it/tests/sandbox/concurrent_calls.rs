//! More concurrent calls than the sandbox has slots.

use std::sync::Arc;

use scanhost_it::guests::{MOCK, PANIC};
use scanhost_sandbox::Fault;
use tokio::task::JoinSet;

use crate::{
    capabilities::no_reach,
    test_sandbox::{self, LIMITS, first_call},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_wait_for_a_free_slot() {
    let mock = Arc::new(test_sandbox::backend(MOCK, LIMITS).await);
    let mut calls = JoinSet::new();
    for _ in 0..130 {
        let mock = mock.clone();
        calls.spawn(async move { mock.health(no_reach(), first_call()).await });
    }
    for answer in calls.join_all().await {
        assert!(answer.unwrap().unwrap().ready);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashed_call_frees_its_slot() {
    let panic = Arc::new(test_sandbox::backend(PANIC, LIMITS).await);
    let mut calls = JoinSet::new();
    for _ in 0..130 {
        let panic = panic.clone();
        calls.spawn(async move { panic.status(no_reach(), first_call(), "1").await });
    }
    for answer in calls.join_all().await {
        assert!(matches!(answer, Err(Fault::Crash(_))), "{answer:?}");
    }
}
