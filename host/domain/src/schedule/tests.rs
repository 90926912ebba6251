use super::*;

fn capacity(instance: &str, active: u32, max: u32) -> Capacity {
    let scanner = ScannerId { pool: "p".parse().unwrap(), instance: instance.parse().unwrap() };
    Capacity { scanner, max_concurrent_scans: max, active }
}

#[track_caller]
fn check_choice(
    scanners: &[(&str, u32, u32)],
    pinned: Option<&str>,
    balance: Balance,
    turn: u64,
    expected: Option<&str>,
) {
    let scanners: Vec<_> = scanners.iter().map(|(id, active, max)| capacity(id, *active, *max)).collect();
    let pinned = pinned.map(|id| id.parse().unwrap());
    let chosen = choose_scanner(&scanners, pinned.as_ref(), balance, turn);
    assert_eq!(chosen.map(|id| id.instance.as_str()), expected);
}

#[test]
fn least_loaded_goes_by_share_of_capacity() {
    use Balance::LeastLoaded;
    check_choice(&[("a", 1, 2), ("b", 2, 8)], None, LeastLoaded, 0, Some("b"));
    check_choice(&[("a", 0, 1), ("b", 0, 8)], None, LeastLoaded, 0, Some("a"));
    check_choice(&[("a", 2, 2), ("b", 8, 8)], None, LeastLoaded, 0, None);
    check_choice(&[], None, LeastLoaded, 0, None);
}

#[test]
fn round_robin_takes_the_next_free_one() {
    use Balance::RoundRobin;
    let scanners = [("a", 0, 2), ("b", 2, 2), ("c", 0, 2)];
    check_choice(&scanners, None, RoundRobin, 0, Some("a"));
    check_choice(&scanners, None, RoundRobin, 1, Some("c"));
    check_choice(&scanners, None, RoundRobin, 5, Some("c"));
}

#[test]
fn pinned_scan_takes_its_scanner_or_none() {
    use Balance::LeastLoaded;
    check_choice(&[("a", 0, 1), ("b", 1, 2)], Some("b"), LeastLoaded, 0, Some("b"));
    check_choice(&[("a", 0, 1), ("b", 2, 2)], Some("b"), LeastLoaded, 0, None);
    check_choice(&[("a", 0, 1)], Some("z"), LeastLoaded, 0, None);
}

#[test]
fn retry_delays_grow_within_bounds_and_obey_the_scanner() {
    let seconds = Duration::from_secs;
    let table = [
        (0, None, 1.0, Retry::After(Duration::from_millis(500))),
        (3, None, 1.0, Retry::After(seconds(4))),
        (3, None, 0.0, Retry::After(seconds(0))),
        (19, None, 1.0, Retry::After(seconds(30))),
        (20, None, 1.0, Retry::GiveUp),
        (0, Some(seconds(7)), 0.5, Retry::After(seconds(7))),
        (0, Some(seconds(86_400)), 0.5, Retry::After(seconds(600))),
        (20, Some(seconds(1)), 0.5, Retry::GiveUp),
    ];
    for (failures, requested, random, expected) in table {
        assert_eq!(retry(failures, requested, random), expected, "{failures} {requested:?} {random}");
    }
}
