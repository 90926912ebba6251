use std::time::Duration;

use jiff::Timestamp;

use super::{FIRST_PERIOD, LONGEST_PERIOD, Quarantine};

fn second(second: i64) -> Timestamp {
    Timestamp::new(1_800_000_000 + second, 0).unwrap()
}

/// Makes faults at these seconds, and checks after which of them a quarantine begins.
#[track_caller]
fn check_begins(faults: &[i64], expected: &[i64]) {
    let mut quarantine = Quarantine::default();
    let began: Vec<i64> = faults.iter().copied().filter(|at| quarantine.fault(second(*at))).collect();
    assert_eq!(began, expected, "{faults:?}");
}

#[test]
fn faults_close_together_begin_a_quarantine() {
    check_begins(&[0, 1, 2, 3], &[]);
    check_begins(&[0, 1, 2, 3, 4], &[4]);
    check_begins(&[0, 0, 0, 0, 0], &[0]);
    check_begins(&[0, 20, 40, 60, 80, 100, 120], &[]);
    check_begins(&[0, 50, 51, 52, 60, 61], &[61]);
}

#[test]
fn faults_of_calls_under_way_do_not_lengthen_a_quarantine() {
    check_begins(&[0, 1, 2, 3, 4, 5, 6, 13], &[4]);
}

#[test]
fn one_fault_on_trial_begins_a_longer_quarantine() {
    // The quarantine of 10 s ends at 14, that of 20 s at 40.
    check_begins(&[0, 1, 2, 3, 4, 20, 39, 41], &[4, 20, 41]);
    let mut quarantine = Quarantine::default();
    let mut now = 0;
    let mut periods = Vec::new();
    for _ in 0..5 {
        quarantine.fault(second(now));
    }
    for _ in 0..9 {
        let period = quarantine.permit(second(now)).unwrap_err();
        periods.push(period);
        now += i64::try_from(period.as_secs()).unwrap();
        assert_eq!(quarantine.permit(second(now)), Ok(()));
        assert!(quarantine.fault(second(now)));
    }
    assert_eq!(periods[..3], [FIRST_PERIOD, FIRST_PERIOD * 2, FIRST_PERIOD * 4]);
    assert_eq!(periods[8], LONGEST_PERIOD);
}

#[test]
fn trial_ends_after_a_while_without_faults() {
    // The version is on trial from 14 to 74.
    check_begins(&[0, 1, 2, 3, 4, 75, 76, 77, 78], &[4]);
    check_begins(&[0, 1, 2, 3, 4, 75, 76, 77, 78, 79], &[4, 79]);
}

#[test]
fn refusal_says_how_long_the_quarantine_still_lasts() {
    let mut quarantine = Quarantine::default();
    assert_eq!(quarantine.permit(second(0)), Ok(()));
    for _ in 0..5 {
        quarantine.fault(second(0));
    }
    assert_eq!(quarantine.permit(second(4)), Err(Duration::from_secs(6)));
    assert_eq!(quarantine.permit(second(10)), Ok(()));
}
