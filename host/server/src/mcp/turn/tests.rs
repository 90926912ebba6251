use std::{
    pin::pin,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt as _;

use super::{AT_A_TIME, HandOver, Turn, Turns};
use crate::metrics::Metrics;

fn full() -> (Turns, Vec<Turn>) {
    let turns = Turns::new(Metrics::new());
    let working = (0..AT_A_TIME).map(|_| turns.next().now_or_never().expect("a turn")).collect();
    (turns, working)
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
    assert!(turns.next().now_or_never().is_none());
    held.pass_on();
    assert!(turns.next().now_or_never().is_some());
}

#[test]
fn whoever_gives_up_waiting_takes_no_turn() {
    let (turns, mut working) = full();
    assert!(turns.next().now_or_never().is_none());
    working.pop();
    assert!(turns.next().now_or_never().is_some());
}

#[test]
fn a_turn_is_handed_over_once() {
    let handed = HandOver(Arc::new(Mutex::new(Some(Turn::default()))));
    assert!(handed.clone().take().is_some());
    assert!(handed.take().is_none());
}
