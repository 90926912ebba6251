use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// What happens to a breaker, and what is seen of it afterwards: `f` fails, `s` succeeds, a number is a call that asks
/// at that second.
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
                let _permitted = breaker.permit(now, REST);
            }
        }
    }
    assert_eq!(breaker.circuit(), expected, "{events}");
}

#[test]
fn five_failures_in_a_row_open_it() {
    check("f f f f", Circuit::Closed);
    check("f f f f f", Circuit::Open);
    check("f f f f s f", Circuit::Closed);
}

#[test]
fn after_a_rest_one_probe_decides() {
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
    assert_eq!(breaker.permit(at(10), REST), Err(Duration::from_secs(20)));
    assert!(breaker.permit(at(30), REST).is_ok());
    assert_eq!(breaker.permit(at(31), REST), Err(Duration::from_secs(29)));
    assert!(breaker.permit(at(60), REST).is_ok(), "the probe was never answered");
}

#[test]
fn what_others_have_seen_rests_from_then_on() {
    for circuit in [Circuit::Open, Circuit::HalfOpen] {
        let breaker = Breaker::seen(circuit, at(0));
        assert_eq!(
            (breaker.takes_scans(), breaker.is_rested(at(29), REST), breaker.is_rested(at(30), REST)),
            (false, false, true)
        );
    }
    let closed = Breaker::seen(Circuit::Closed, at(0));
    assert_eq!((closed.takes_scans(), closed.is_rested(at(99), REST)), (true, false));
}
