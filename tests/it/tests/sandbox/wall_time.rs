//! Guests that wait for the scanner: the wall limit bounds the wait, which costs no CPU.

use std::{sync::atomic::Ordering, time::Duration};

use scanhost_it::guests::NOSY;
use scanhost_sandbox::{Fault, Limits};

use crate::{
    capabilities::{self, RefusingScanner, no_reach},
    test_sandbox::{self, LIMITS, first_call},
};

#[tokio::test]
async fn wait_beyond_the_wall_limit_is_a_fault() {
    let limits = Limits { wall: Duration::from_millis(100), ..LIMITS };
    let nosy = test_sandbox::backend(NOSY, limits).await;
    let http = RefusingScanner::with_delay(Duration::from_secs(3600));
    let fault = nosy.status(capabilities::reach_of(&http), first_call(), "1").await.unwrap_err();
    assert_eq!(fault, Fault::Wall(limits.wall));
    assert!(nosy.health(no_reach(), first_call()).await.unwrap().unwrap().ready);
}

#[tokio::test]
async fn many_short_waits_cost_no_cpu() {
    // Each wait is longer than a tick of the guest's clock, and together they are three times longer than the CPU
    // limit.
    let nosy = test_sandbox::backend(NOSY, Limits { cpu: Duration::from_millis(100), ..LIMITS }).await;
    let http = RefusingScanner::with_delay(Duration::from_millis(15));
    nosy.status(capabilities::reach_of(&http), first_call(), "1").await.unwrap().unwrap();
    assert_eq!(http.requests.load(Ordering::Relaxed), 24);
}
