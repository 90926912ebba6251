use super::*;

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { purpose: "look", status, headers, body: body.as_bytes().to_vec() }
}

#[test]
fn each_status_has_its_usual_meaning() {
    let kind = |status| match answer(status, &[], "secret words").accept() {
        Ok(_) => "ok",
        Err(ScanError::Invalid(_)) => "invalid",
        Err(ScanError::Unauthorized(_)) => "unauthorized",
        Err(ScanError::NotFound(_)) => "not-found",
        Err(ScanError::AlreadyRunning) => "already-running",
        Err(ScanError::RateLimited(_)) => "rate-limited",
        Err(ScanError::Unavailable(_)) => "unavailable",
        Err(ScanError::Unsupported(_)) => "unsupported",
        Err(ScanError::Internal(_)) => "internal",
    };
    for (status, expected) in [
        (200, "ok"),
        (204, "ok"),
        (302, "internal"),
        (400, "invalid"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not-found"),
        (409, "unavailable"),
        (418, "internal"),
        (429, "rate-limited"),
        (500, "unavailable"),
        (501, "unsupported"),
        (503, "unavailable"),
    ] {
        assert_eq!(kind(status), expected, "{status}");
    }
}

#[test]
fn retry_after_is_read_in_seconds_only() {
    for (value, expected) in [
        ("7", Some(7_000)),
        (" 0 ", Some(0)),
        ("4294967295", Some(u32::MAX)),
        ("-1", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ] {
        assert_eq!(
            answer(429, &[("retry-after", value)], "").usual_error(),
            ScanError::RateLimited(expected),
            "{value}"
        );
    }
    assert_eq!(answer(429, &[], "").usual_error(), ScanError::RateLimited(None));
}

#[test]
fn meaning_of_the_caller_wins_over_the_usual_one() {
    let meaning = |answer: &Answer| (answer.status == 409).then_some(ScanError::AlreadyRunning);
    assert_eq!(answer(409, &[], "").accept_or(meaning).unwrap_err(), ScanError::AlreadyRunning);
    assert!(matches!(answer(404, &[], "").accept_or(meaning).unwrap_err(), ScanError::NotFound(_)));
}

#[test]
fn errors_do_not_quote_the_scanner() {
    assert_eq!(
        answer(500, &[], "attacker's words").usual_error(),
        ScanError::Unavailable("cannot look: the scanner answered with status 500".to_owned())
    );
    assert_eq!(
        answer(200, &[], "attacker's words").json::<u32>().unwrap_err(),
        ScanError::Internal("cannot look: the scanner's answer is not the expected JSON".to_owned())
    );
}

#[test]
fn only_broken_or_too_large_answers_may_have_acted() {
    for (error, expected) in [
        (HttpError::Denied(String::new()), false),
        (HttpError::Unreachable(String::new()), false),
        (HttpError::Broken(String::new()), true),
        (HttpError::TooLarge(1), true),
        (HttpError::TooMany(64), false),
    ] {
        assert_eq!(NoAnswer { purpose: "look", error: error.clone() }.may_have_acted(), expected, "{error:?}");
    }
}
