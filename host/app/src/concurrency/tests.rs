use std::{
    future::{pending, ready},
    pin::{Pin, pin},
};

use futures_util::FutureExt as _;
use tokio::task::unconstrained;

use super::{AT_A_TIME, CallSlot, ConcurrencyLimit};
use crate::metrics::Metrics;

fn full() -> (ConcurrencyLimit, Vec<CallSlot>) {
    let limit = ConcurrencyLimit::new(Metrics::new());
    // A task of tokio's would be made to pause between so many.
    let next = || unconstrained(limit.next()).now_or_never().expect("a turn");
    let working = (0..AT_A_TIME).map(|_| next()).collect();
    (limit, working)
}

fn is_full(limit: &ConcurrencyLimit) -> bool {
    limit.next().now_or_never().is_none()
}

#[test]
fn whoever_comes_later_waits_until_a_call_ends_in_the_order_of_coming() {
    let (limit, mut working) = full();
    let (mut first, mut second) = (pin!(limit.next()), pin!(limit.next()));
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    working.pop();
    assert!(second.as_mut().now_or_never().is_none());
    let _working = first.now_or_never().expect("the turn that has ended");
    working.pop();
    assert!(second.now_or_never().is_some());
}

#[test]
fn a_call_that_waits_itself_is_in_nobodys_way() {
    let (limit, working) = full();
    let held = working[0].clone();
    assert!(is_full(&limit));
    held.pass_on();
    assert!(!is_full(&limit));
}

#[test]
fn a_turn_lasts_as_long_as_somebody_holds_it() {
    let (limit, mut working) = full();
    let held = working.pop().expect("a turn");
    let kept_by_the_call = held.clone();
    drop(held);
    assert!(is_full(&limit));
    drop(kept_by_the_call);
    assert!(!is_full(&limit));
}

#[tokio::test]
async fn what_takes_long_goes_on_without_a_turn() {
    let (limit, working) = full();
    assert_eq!(working[0].work(ready(7)).await, 7);
    assert!(is_full(&limit), "short work keeps its turn, for what follows");
    let mut long: Pin<Box<dyn Future<Output = ()>>> = Box::pin(working[0].work(pending()));
    let next = tokio::select! {
        () = &mut long => unreachable!("it never ends"),
        next = limit.next() => next,
    };
    assert!(long.now_or_never().is_none());
    drop(next);
    assert!(!is_full(&limit));
}

#[test]
fn whoever_gives_up_waiting_takes_no_turn() {
    let (limit, mut working) = full();
    assert!(is_full(&limit));
    working.pop();
    assert!(!is_full(&limit));
}
