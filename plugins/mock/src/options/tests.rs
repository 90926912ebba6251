use super::*;

fn check(text: &str, expected: Result<Options, &str>) {
    assert_eq!(Options::parse(text), expected.map_err(str::to_owned), "{text}");
}

#[test]
fn missing_options_have_defaults() {
    let defaults =
        Options { duration_ms: 5_000, hosts: 3, findings_per_host: 20, fail_at: FailAt::None, auth: Auth::Success };
    check("{}", Ok(defaults.clone()));
    check(r#"{"duration_seconds": 0.25}"#, Ok(Options { duration_ms: 250, ..defaults.clone() }));
    check(r#"{"hosts": 0, "fail_at": "parse"}"#, Ok(Options { hosts: 0, fail_at: FailAt::Parse, ..defaults.clone() }));
    check(
        r#"{"hosts": 1, "findings_per_host": 1000000, "auth": "partial"}"#,
        Ok(Options { hosts: 1, findings_per_host: 1_000_000, auth: Auth::Partial, ..defaults }),
    );
}

#[test]
fn error_names_every_wrong_key() {
    check("[]", Err("options: should be an object"));
    check("", Err("options: should be an object"));
    for duration in ["-1", "\"5\"", "null", "true"] {
        check(
            &format!(r#"{{"duration_seconds": {duration}}}"#),
            Err("options.duration_seconds: should be a number, 0 or more"),
        );
    }
    for hosts in ["-1", "1.5", "\"3\"", "65537"] {
        check(&format!(r#"{{"hosts": {hosts}}}"#), Err("options.hosts: should be a whole number from 0 to 65536"));
    }
    check(
        r#"{"hosts": 2, "findings_per_host": 500001}"#,
        Err("options.findings_per_host: multiplied by hosts it may be at most 1000000"),
    );
    check(
        r#"{"fail_at": "never", "speed": 3}"#,
        Err("options.fail_at: should be none, create, launch, status, export or parse; \
             options.speed: unknown key, the known keys are duration_seconds, hosts, findings_per_host, fail_at, auth"),
    );
    check(r#"{"auth": 1}"#, Err("options.auth: should be success, partial, failed or unknown"));
}
