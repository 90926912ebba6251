use super::*;

fn texts(targets: &[&str]) -> Vec<String> {
    targets.iter().map(|target| (*target).to_owned()).collect()
}

fn check(targets: &[&str], count: usize, expected: &[&str]) {
    let found: Vec<String> = hosts(&texts(targets)).take(count).collect();
    assert_eq!(found, expected, "{targets:?}");
}

#[test]
fn targets_are_expanded_in_order_as_far_as_needed() {
    check(&["10.0.0.5", "web.lab.example"], 9, &["10.0.0.5", "web.lab.example"]);
    check(&["10.0.0.77/30"], 9, &["10.0.0.77", "10.0.0.78"]);
    check(&["10.0.0.4/31", "10.0.0.9/32"], 9, &["10.0.0.4", "10.0.0.5", "10.0.0.9"]);
    check(&["0.0.0.0/0"], 2, &["0.0.0.1", "0.0.0.2"]);
    check(&["10.0.0.254-10.0.1.1"], 9, &["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]);
    check(&["10.0.0.1-3"], 9, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    check(&["fd00::/64"], 2, &["fd00::", "fd00::1"]);
    check(&["::/0"], 1, &["::"]);
    check(&["fd00::1-fd00::2"], 9, &["fd00::1", "fd00::2"]);
    check(&["db-1.lab.example"], 9, &["db-1.lab.example"]);
    check(&[], 9, &[]);
}

#[test]
fn repeated_host_counts_once() {
    check(&["10.0.0.1-2", "10.0.0.2", "10.0.0.1-3"], 9, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
}

#[test]
fn only_the_targets_that_are_needed_are_kept() {
    let check =
        |targets: &[&str], count, expected: &[&str]| assert_eq!(first_targets(&texts(targets), count), expected);
    check(&["10.0.0.0/8", "a", "b"], 3, &["10.0.0.0/8"]);
    check(&["a", "b", "c"], 2, &["a", "b"]);
    check(&["a", "a", "b", "c"], 2, &["a", "a", "b"]);
    check(&["a"], 0, &[]);
    check(&["a"], 5, &["a"]);
}
