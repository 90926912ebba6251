use std::{
    future::{pending, ready},
    pin::{Pin, pin},
};

use futures_util::FutureExt as _;
use tokio::task::unconstrained;

use super::{AT_A_TIME, CallSlot, ConcurrencyLimit};
use crate::metrics::Metrics;

fn full() -> (ConcurrencyLimit, Vec<CallSlot>) {
    let turns = ConcurrencyLimit::new(Metrics::new());
    // A task of tokio's would be made to pause between so many.
    let next = || unconstrained(turns.next()).now_or_never().expect("a turn");
    let working = (0..AT_A_TIME).map(|_| next()).collect();
    (turns, working)
}

fn is_full(concurrency: &ConcurrencyLimit) -> bool {
    turns.next().now_or_never().is_none()
}

#[test]
fn whoever_comes_later_waits_until_a_call_ends_in_the_order_of_coming() {
    let (turns, mut working) = full();
    let (mut first, mut second) = (pin!(turns.next()), pin!(turns.next()));
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
    let (turns, working) = full();
    let held = working[0].clone();
    assert!(is_full(&turns));
    held.pass_on();
    assert!(!is_full(&turns));
}

#[test]
fn a_turn_lasts_as_long_as_somebody_holds_it() {
    let (turns, mut working) = full();
    let held = working.pop().expect("a turn");
    let kept_by_the_call = held.clone();
    drop(held);
    assert!(is_full(&turns));
    drop(kept_by_the_call);
    assert!(!is_full(&turns));
}

#[tokio::test]
async fn what_takes_long_goes_on_without_a_turn() {
    let (turns, working) = full();
    assert_eq!(working[0].work(ready(7)).await, 7);
    assert!(is_full(&turns), "short work keeps its turn, for what follows");
    let mut long: Pin<Box<dyn Future<Output = ()>>> = Box::pin(working[0].work(pending()));
    let next = tokio::select! {
        () = &mut long => unreachable!("it never ends"),
        next = turns.next() => next,
    };
    assert!(long.now_or_never().is_none());
    drop(next);
    assert!(!is_full(&turns));
}

#[test]
fn whoever_gives_up_waiting_takes_no_turn() {
    let (turns, mut working) = full();
    assert!(is_full(&turns));
    working.pop();
    assert!(!is_full(&turns));
}
