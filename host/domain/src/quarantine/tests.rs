use std::time::Duration;

use jiff::Timestamp;

use super::{FIRST_REST, LONGEST_REST, Quarantine};

fn second(second: i64) -> Timestamp {
    Timestamp::new(1_800_000_000 + second, 0).unwrap()
}

/// Faults at these seconds; after which of them a rest begins.
#[track_caller]
fn check_rests(faults: &[i64], expected: &[i64]) {
    let mut quarantine = Quarantine::default();
    let began: Vec<i64> = faults.iter().copied().filter(|at| quarantine.fault(second(*at))).collect();
    assert_eq!(began, expected, "{faults:?}");
}

#[test]
fn faults_close_together_begin_a_rest() {
    check_rests(&[0, 1, 2, 3], &[]);
    check_rests(&[0, 1, 2, 3, 4], &[4]);
    check_rests(&[0, 0, 0, 0, 0], &[0]);
    check_rests(&[0, 20, 40, 60, 80, 100, 120], &[]);
    check_rests(&[0, 50, 51, 52, 60, 61], &[61]);
}

#[test]
fn faults_of_calls_under_way_do_not_lengthen_a_rest() {
    check_rests(&[0, 1, 2, 3, 4, 5, 6, 13], &[4]);
}

#[test]
fn one_fault_on_trial_begins_the_next_rest_which_is_longer() {
    // The rest of 10 s ends at 14, that of 20 s at 40.
    check_rests(&[0, 1, 2, 3, 4, 20, 39, 41], &[4, 20, 41]);
    let mut quarantine = Quarantine::default();
    let mut now = 0;
    let mut rests = Vec::new();
    for _ in 0..5 {
        quarantine.fault(second(now));
    }
    for _ in 0..9 {
        let rest = quarantine.permit(second(now)).unwrap_err();
        rests.push(rest);
        now += i64::try_from(rest.as_secs()).unwrap();
        assert_eq!(quarantine.permit(second(now)), Ok(()));
        assert!(quarantine.fault(second(now)));
    }
    assert_eq!(rests[..3], [FIRST_REST, FIRST_REST * 2, FIRST_REST * 4]);
    assert_eq!(rests[8], LONGEST_REST);
}

#[test]
fn a_while_without_faults_ends_the_trial() {
    // On trial from 14 to 74.
    check_rests(&[0, 1, 2, 3, 4, 75, 76, 77, 78], &[4]);
    check_rests(&[0, 1, 2, 3, 4, 75, 76, 77, 78, 79], &[4, 79]);
}

#[test]
fn it_says_how_long_it_rests_on() {
    let mut quarantine = Quarantine::default();
    assert_eq!(quarantine.permit(second(0)), Ok(()));
    for _ in 0..5 {
        quarantine.fault(second(0));
    }
    assert_eq!(quarantine.permit(second(4)), Err(Duration::from_secs(6)));
    assert_eq!(quarantine.permit(second(10)), Ok(()));
}
