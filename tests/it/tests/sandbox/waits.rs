//! Guests that wait for the scanner: waiting is bounded by the wall limit and costs no CPU.

use std::{sync::atomic::Ordering, time::Duration};

use scanhost_it::guests::NOSY;
use scanhost_sandbox::{Fault, Limits};

use crate::{
    loaded::{self, LIMITS, first_call},
    reach::{self, Refusing, nothing},
};

#[tokio::test]
async fn a_wait_longer_than_the_wall_limit_is_a_fault() {
    let limits = Limits { wall: Duration::from_millis(100), ..LIMITS };
    let nosy = loaded::backend(NOSY, limits).await;
    let http = Refusing::after(Duration::from_secs(3600));
    let fault = nosy.status(reach::scanner(&http), first_call(), "1").await.unwrap_err();
    assert_eq!(fault, Fault::Wall(limits.wall));
    assert!(nosy.health(nothing(), first_call()).await.unwrap().unwrap().ready);
}

#[tokio::test]
async fn many_short_waits_cost_no_cpu() {
    // Each wait is longer than a tick of the guest's clock, and all are three times longer than the limit.
    let nosy = loaded::backend(NOSY, Limits { cpu: Duration::from_millis(100), ..LIMITS }).await;
    let http = Refusing::after(Duration::from_millis(15));
    nosy.status(reach::scanner(&http), first_call(), "1").await.unwrap().unwrap();
    assert_eq!(http.requests.load(Ordering::Relaxed), 24);
}
