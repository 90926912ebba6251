use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Applies the events to a breaker and checks its circuit: `f` fails, `s` succeeds, and a number is a call that asks at
/// that second.
#[track_caller]
fn check(events: &str, expected: Circuit) {
    let mut breaker = Breaker::default();
    let mut now = at(0);
    for event in events.split_whitespace() {
        match event {
            "f" => breaker.fail(now),
            "s" => breaker.succeed(),
            second => {
                now = at(second.parse().unwrap());
                let _permitted = breaker.permit(now, PROBE_DELAY);
            }
        }
    }
    assert_eq!(breaker.circuit(), expected, "{events}");
}

#[test]
fn five_failures_in_a_row_open_the_breaker() {
    check("f f f f", Circuit::Closed);
    check("f f f f f", Circuit::Open);
    check("f f f f s f", Circuit::Closed);
}

#[test]
fn one_probe_decides_after_the_delay() {
    check("f f f f f 29", Circuit::Open);
    check("f f f f f 30", Circuit::HalfOpen);
    check("f f f f f 30 s", Circuit::Closed);
    check("f f f f f 30 f", Circuit::Open);
    check("f f f f f 30 f 59", Circuit::Open);
    check("f f f f f 30 f 60", Circuit::HalfOpen);
}

#[test]
fn only_one_call_is_the_probe() {
    let mut breaker = Breaker::default();
    (0..FAILURES).for_each(|_| breaker.fail(at(0)));
    assert_eq!(breaker.permit(at(10), PROBE_DELAY), Err(Duration::from_secs(20)));
    assert!(breaker.permit(at(30), PROBE_DELAY).is_ok());
    assert_eq!(breaker.permit(at(31), PROBE_DELAY), Err(Duration::from_secs(29)));
    assert!(breaker.permit(at(60), PROBE_DELAY).is_ok(), "the probe was never answered");
}

#[test]
fn reported_open_breaker_waits_for_its_probe() {
    for circuit in [Circuit::Open, Circuit::HalfOpen] {
        let breaker = Breaker::reported(circuit, at(0));
        assert_eq!(
            (
                breaker.takes_scans(),
                breaker.is_probe_due(at(29), PROBE_DELAY),
                breaker.is_probe_due(at(30), PROBE_DELAY)
            ),
            (false, false, true)
        );
    }
    let closed = Breaker::reported(Circuit::Closed, at(0));
    assert_eq!((closed.takes_scans(), closed.is_probe_due(at(99), PROBE_DELAY)), (true, false));
}
