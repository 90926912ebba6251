use std::num::NonZeroU32;

use scanhost_config::CallLimits;

use super::{Callers, TooMuch};

fn limits(per_minute: u32, at_once: u32) -> CallLimits {
    CallLimits { per_minute: NonZeroU32::new(per_minute), at_once: NonZeroU32::new(at_once) }
}

fn is_often(outcome: Result<super::Permit, TooMuch>) -> bool {
    matches!(outcome, Err(TooMuch::Often { .. }))
}

#[test]
fn each_caller_has_its_own_share() {
    let callers = Callers::default();
    for _ in 0..3 {
        callers.permit_call("a", limits(3, 0)).expect("within its share");
    }
    assert!(is_often(callers.permit_call("a", limits(3, 0))));
    callers.permit_call("b", limits(3, 0)).expect("another's share");
}

#[test]
fn the_wait_is_until_the_next_call_fits() {
    let callers = Callers::default();
    callers.permit_call("a", limits(1, 0)).expect("the first");
    let refused = callers.permit_call("a", limits(1, 0)).expect_err("the second");
    assert!((1..=61).contains(&refused.retry_after_seconds()), "{refused:?}");
}

#[test]
fn a_call_counts_as_running_until_it_has_ended() {
    let callers = Callers::default();
    let first = callers.permit_call("a", limits(0, 2)).expect("the first");
    let _second = callers.permit_call("a", limits(0, 2)).expect("the second");
    let at_once = NonZeroU32::new(2).expect("not zero");
    assert_eq!(callers.permit_call("a", limits(0, 2)).expect_err("the third"), TooMuch::AtOnce { at_once });
    drop(first);
    callers.permit_call("a", limits(0, 2)).expect("one has ended");
}

#[test]
fn a_refused_call_does_not_count_as_running() {
    let callers = Callers::default();
    callers.permit_call("a", limits(1, 1)).expect("the first");
    assert!(is_often(callers.permit_call("a", limits(1, 1))));
    assert!(is_often(callers.permit_call("a", limits(1, 1))), "and not because one would still run");
}

#[test]
fn new_limits_hold_at_once() {
    let callers = Callers::default();
    callers.permit_call("a", limits(1, 0)).expect("the first");
    assert!(is_often(callers.permit_call("a", limits(1, 0))));
    callers.permit_call("a", limits(2, 0)).expect("the operator allows more");
    callers.permit_call("a", limits(0, 0)).expect("no limit");
}

#[test]
fn requests_are_many_more_than_calls_and_still_bounded() {
    let callers = Callers::default();
    let let_in = (0..100).filter(|_| callers.permit_request("a", limits(2, 0)).is_ok()).count();
    assert_eq!(let_in, 20);
    callers.permit_call("a", limits(2, 0)).expect("calls are counted apart");
}
