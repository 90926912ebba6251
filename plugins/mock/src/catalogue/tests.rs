use std::collections::BTreeSet;

use super::*;

#[test]
fn numbers_of_checks_are_unique() {
    let numbers: BTreeSet<u32> = CHECKS.iter().map(|check| check.plugin_id).collect();
    assert_eq!(numbers.len(), CHECKS.len());
}

#[test]
fn every_filter_matches_some_checks_but_not_all() {
    for severity in [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
        assert!(CHECKS.iter().filter(|check| check.severity == severity).count() >= 3, "{severity:?}");
    }
    type Claim = (&'static str, fn(&Check) -> bool);
    let claims: [Claim; 7] = [
        ("a solution", |check| check.solution.is_some()),
        ("a score", |check| check.cvss_score().is_some()),
        ("a cve", |check| !check.cve.is_empty()),
        ("further reading", |check| !check.see_also.is_empty()),
        ("a statement on exploits", |check| check.exploit_available.is_some()),
        ("a known exploit", |check| check.exploit_available == Some(true)),
        ("output", |check| check.output.is_some()),
    ];
    for (what, has) in claims {
        let having = CHECKS.iter().filter(|check| has(check)).count();
        assert!((1..CHECKS.len()).contains(&having), "{having} have {what}");
    }
}

#[test]
fn cvss_score_is_that_of_the_newest_version() {
    let score = |number: u32| CHECKS.iter().find(|check| check.plugin_id == number).unwrap().cvss_score();
    assert_eq!(score(900_011), Some(9.3), "v4 before v3");
    assert_eq!(score(900_004), Some(8.1), "v3 before v2");
    assert_eq!(score(900_010), Some(2.1), "v2 alone");
    assert_eq!(score(900_002), None);
}

#[test]
fn severities_have_levels_and_risk_factors() {
    assert_eq!([Severity::Info, Severity::Critical].map(Severity::level), [0, 4]);
    assert_eq!([Severity::Info, Severity::High].map(Severity::risk_factor), ["None", "High"]);
}
