use super::*;
use crate::answer;

fn edition(status: u16, body: &str) -> Edition {
    Edition::read(&answer(status, body))
}

#[test]
fn readiness_follows_from_the_server_status() {
    for (status, body, expected) in [
        (200, r#"{"status":"ready","code":200}"#, Readiness::Ready),
        (200, r#"{"status":"loading","progress":10}"#, Readiness::Loading),
        (503, r#"{"status":"loading","code":503}"#, Readiness::Loading),
        (200, r#"{"status":"corrupt-db"}"#, Readiness::Other),
        (200, "{}", Readiness::Other),
    ] {
        assert_eq!(readiness(answer(status, body)).unwrap(), expected, "{body}");
    }
    assert!(matches!(readiness(answer(503, "<html>")), Err(ScanError::Unavailable(_))));
    assert!(matches!(readiness(answer(200, "<html>")), Err(ScanError::Internal(_))));
    assert!(matches!(readiness(answer(404, "")), Err(ScanError::NotFound(_))));
}

#[test]
fn edition_has_only_well_formed_properties() {
    let body = r#"{"nessus_type":"Nessus Essentials","server_version":"10.8.3",
                   "license":{"ips":16,"features":{"scan_api":false}}}"#;
    let expected = Edition {
        name: Some("Nessus Essentials".to_owned()),
        version: Some("10.8.3".to_owned()),
        scan_api: Some(false),
        addresses: Some(16),
    };
    assert_eq!(edition(200, body), expected);
    let odd = r#"{"nessus_type":null,"server_version":7,"license":{"ips":"32","features":{"scan_api":true,"x":[]}}}"#;
    assert_eq!(edition(200, odd), Edition { scan_api: Some(true), addresses: Some(32), ..Edition::default() });
    for (status, body) in
        [(200, "[1]"), (200, "x"), (403, body), (200, r#"{"license":null}"#), (200, r#"{"nessus_type":"<b>\n"}"#)]
    {
        assert_eq!(edition(status, body), Edition::default(), "{status} {body}");
    }
}

#[test]
fn edition_without_scan_api_is_not_ready_and_says_why() {
    let of = |scan_api| Edition { name: Some("Nessus Expert".to_owned()), scan_api, ..Edition::default() };
    let health = judge(Readiness::Ready, &of(Some(false)));
    assert!(!health.ready && health.message.contains("has no scan_api"), "{health:?}");
    let health = judge(Readiness::Ready, &of(Some(true)));
    assert_eq!((health.ready, health.message.as_str()), (true, "Nessus Expert: ready, takes scans over its API"));
    assert!(judge(Readiness::Ready, &of(None)).ready);
    assert!(!judge(Readiness::Loading, &of(Some(true))).ready);
}
