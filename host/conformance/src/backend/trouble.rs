//! Cases about a scanner that is down or busy, refuses requests, or does not answer in its dialect.
//! They need no script: status codes and broken answers mean the same in every dialect.

use scanhost_sandbox::{RemoteScan, ScannerError};
use serde_json::json;

use crate::{
    case::{Case, Outcome, Stop, case, fail, skip},
    names::{INSTALLATION, TASK},
    probe::{CallResult, Function, Probe},
    rig::Rig,
    script::Answer,
    scripted_scanner::ScannerBehaviour,
};

/// A text that no error, log line or health message may repeat.
const CANARY: &str = "canary-7c21e0";

/// The most requests that one call may make when all of them fail.
const MAX_REQUESTS: usize = 16;

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!(
            "retries-when-unreachable",
            unreachable,
            "no request reached the scanner, so the host has to try again later"
        ),
        case!("retries-when-cut-off", cut_off, "it is unknown whether the scanner acted, so the host has to try again"),
        case!(
            "retries-on-500",
            status_500,
            "an error of the scanner does not mean that the request was wrong: the host has to try again"
        ),
        case!("retries-on-503", status_503, "the scanner may be restarting: the host has to try again"),
        case!(
            "obeys-retry-after",
            retry_after,
            "429 with `Retry-After: 7` means `rate-limited(7000)`: the host waits that long"
        ),
        case!(
            "takes-429-without-a-time",
            no_retry_after,
            "429 without `Retry-After` means `rate-limited(none)`: the host decides how long it waits"
        ),
        case!("tells-401", status_401, "a refused login means `unauthorized`: trying again could lock the account"),
        case!(
            "tells-403",
            status_403,
            "a missing permission means `unauthorized` or `unsupported`: trying again does not help"
        ),
        case!("tells-a-lost-scan", status_404, "404 for a scan means `not-found`, and success for `remove`"),
        case!("refuses-html", html, "the page of a login form or a proxy is not an answer of the scanner"),
        case!("refuses-cut-json", cut_json, "half an answer must never be mistaken for a whole one"),
        case!("refuses-an-empty-answer", empty, "an empty 200 says nothing about a scan"),
        case!("refuses-garbage", garbage, "bytes that are not text must lead to an error, not to a crash"),
        case!("stands-strange-json", strange, "JSON of an unexpected shape must lead to an error, not to a crash"),
        case!(
            "stands-strange-headers",
            strange_headers,
            "the scanner controls the headers, too, and no value of them may cause a crash"
        ),
        case!("stands-deep-json", deep, "deeply nested JSON must not exhaust the stack"),
        case!("stands-a-large-answer", large, "an answer of 8 MiB has to fit into its limits"),
        case!(
            "quotes-nothing",
            quotes,
            "an attacker may control what a scanner answers, so none of it may be in errors and logs"
        ),
        case!("gives-up", gives_up, "the host does the waiting: a call makes only a few requests, even if all fail"),
    ]
}

/// Calls every function once while the scanner handles all requests alike. Functions that make no request are left out.
async fn probes(rig: &Rig, behaviour: ScannerBehaviour) -> Result<Vec<Probe>, Stop> {
    let remote = rig.any_scan().await;
    let mut probes = Vec::new();
    for function in Function::ALL {
        let probe = rig.always(behaviour.clone()).probe(function, &remote).await;
        if let CallResult::Fault(fault) = &probe.result {
            return fail(format!("`{}` {fault}", function.name()));
        }
        if !probe.recording.requests.is_empty() {
            probes.push(probe);
        }
    }
    if probes.is_empty() { skip("it makes no requests to its scanner") } else { Ok(probes) }
}

/// Fails with the first probe that is not right.
fn judge(probes: &[Probe], expected: &str, is_right: impl Fn(&Probe) -> bool) -> Outcome {
    match probes.iter().find(|probe| !is_right(probe)) {
        Some(probe) => {
            fail(format!("`{}` returned {}, expected {expected}", probe.function.name(), probe.result.text()))
        }
        None => Ok(()),
    }
}

/// `health` may say in its own way that the scanner is not ready.
fn says_not_ready(probe: &Probe) -> bool {
    probe.function == Function::Health
        && matches!(&probe.result, CallResult::Value(value) if value.contains("ready: false"))
}

async fn retried(rig: &Rig, behaviour: ScannerBehaviour) -> Outcome {
    let probes = probes(rig, behaviour).await?;
    judge(&probes, "`unavailable`, `internal` or `rate-limited`", |probe| {
        probe.result.is_retried() || says_not_ready(probe)
    })
}

async fn unreachable(rig: &Rig) -> Outcome {
    retried(rig, ScannerBehaviour::Unreachable).await
}

async fn cut_off(rig: &Rig) -> Outcome {
    retried(rig, ScannerBehaviour::BreaksOff).await
}

async fn status_500(rig: &Rig) -> Outcome {
    retried(rig, ScannerBehaviour::Always(Answer::text(500, "internal error"))).await
}

async fn status_503(rig: &Rig) -> Outcome {
    retried(rig, ScannerBehaviour::Always(Answer::text(503, "starting"))).await
}

async fn limited(rig: &Rig, answer: Answer, wanted: Option<u32>) -> Outcome {
    let probes = probes(rig, ScannerBehaviour::Always(answer)).await?;
    judge(&probes, &format!("`rate-limited({wanted:?})`"), |probe| {
        probe.function == Function::Health
            || matches!(&probe.result, CallResult::Error(ScannerError::RateLimited(after)) if *after == wanted)
    })
}

async fn retry_after(rig: &Rig) -> Outcome {
    let mut answer = Answer::status(429);
    answer.headers.insert("retry-after".into(), "7".into());
    limited(rig, answer, Some(7_000)).await
}

async fn no_retry_after(rig: &Rig) -> Outcome {
    limited(rig, Answer::status(429), None).await
}

async fn status_401(rig: &Rig) -> Outcome {
    let probes = probes(rig, ScannerBehaviour::Always(Answer::status(401))).await?;
    judge(&probes, "`unauthorized`", |probe| {
        matches!(&probe.result, CallResult::Error(ScannerError::Unauthorized(_))) || says_not_ready(probe)
    })
}

async fn status_403(rig: &Rig) -> Outcome {
    let probes = probes(rig, ScannerBehaviour::Always(Answer::status(403))).await?;
    judge(&probes, "`unauthorized` or `unsupported`", |probe| {
        matches!(&probe.result, CallResult::Error(ScannerError::Unauthorized(_) | ScannerError::Unsupported(_)))
            || says_not_ready(probe)
    })
}

async fn status_404(rig: &Rig) -> Outcome {
    let probes = probes(rig, ScannerBehaviour::Always(Answer::status(404))).await?;
    judge(&probes, "`not-found`, or success of `remove`", |probe| match probe.function {
        Function::Status | Function::Launch => matches!(&probe.result, CallResult::Error(ScannerError::NotFound(_))),
        Function::Remove => matches!(&probe.result, CallResult::Value(_)),
        _ => true,
    })
}

/// `create`, `find`, `list-scans` and `status` say something about a scan, which they must not invent.
async fn invents_nothing(rig: &Rig, answer: Answer) -> Outcome {
    let probes = probes(rig, ScannerBehaviour::Always(answer)).await?;
    judge(&probes, "an error", |probe| match probe.function {
        Function::Create | Function::Find | Function::ListScans | Function::Status => {
            matches!(&probe.result, CallResult::Error(_))
        }
        _ => true,
    })
}

async fn html(rig: &Rig) -> Outcome {
    invents_nothing(rig, Answer::text(200, "<!DOCTYPE html><html><body>Please sign in</body></html>")).await
}

async fn cut_json(rig: &Rig) -> Outcome {
    invents_nothing(rig, Answer::text(200, r#"{"scan": {"id": 7, "na"#)).await
}

async fn empty(rig: &Rig) -> Outcome {
    invents_nothing(rig, Answer::status(200)).await
}

async fn garbage(rig: &Rig) -> Outcome {
    invents_nothing(rig, Answer::text(200, "\u{0}\u{1}\u{fffd}\u{10ffff}\u{7f} {[<&")).await
}

async fn strange(rig: &Rig) -> Outcome {
    for body in [json!(null), json!([]), json!([[{}]]), json!("text"), json!(1e300), json!({ "id": {}, "scans": 7 })] {
        probes(rig, ScannerBehaviour::Always(Answer { json: Some(body), ..Answer::status(200) })).await?;
    }
    // A lone surrogate is legal JSON but not text.
    let half = r#""\ud800""#;
    let name = format!(r#""a [{INSTALLATION} {TASK}]\ud800""#);
    let marked = format!(r#""a\udc00 [{INSTALLATION} {TASK}]""#);
    let scan = |name: &str| format!(r#"{{"id": {half}, "name": {name}, "state": {half}, "status": {half}}}"#);
    for body in [half.to_owned(), scan(half), format!(r#"{{"scans": [{}, {}]}}"#, scan(&marked), scan(&name))] {
        probes(rig, ScannerBehaviour::Always(Answer::text(200, body))).await?;
    }
    Ok(())
}

async fn strange_headers(rig: &Rig) -> Outcome {
    for after in ["", "-1", "soon", "1e9", "٣", "Wed, 21 Oct 2026 07:28:00 GMT", &"9".repeat(5_000)] {
        let mut answer = Answer::status(429);
        answer.headers.insert("retry-after".into(), after.into());
        probes(rig, ScannerBehaviour::Always(answer)).await?;
    }
    Ok(())
}

async fn deep(rig: &Rig) -> Outcome {
    probes(rig, ScannerBehaviour::Always(Answer::text(200, "[".repeat(200_000)))).await.map(drop)
}

async fn large(rig: &Rig) -> Outcome {
    let body = format!(r#"{{"text": "{}"}}"#, "a".repeat(8 << 20));
    probes(rig, ScannerBehaviour::Always(Answer::text(200, body))).await.map(drop)
}

async fn quotes(rig: &Rig) -> Outcome {
    for status in [400, 403, 409, 418, 500] {
        let body = json!({ "error": CANARY, "message": CANARY, "status": CANARY, "name": CANARY });
        let answer = Answer { json: Some(body), ..Answer::status(status) };
        for probe in probes(rig, ScannerBehaviour::Always(answer)).await? {
            let is_error = matches!(&probe.result, CallResult::Error(_)) || probe.function == Function::Health;
            let logged = probe.recording.log.iter().any(|line| line.contains(CANARY));
            if logged || is_error && probe.result.text().contains(CANARY) {
                let what = if logged { "logged text" } else { "put text into its error" };
                return fail(format!("`{}` {what} that the scanner sent with status {status}", probe.function.name()));
            }
        }
    }
    Ok(())
}

async fn gives_up(rig: &Rig) -> Outcome {
    for behaviour in [
        ScannerBehaviour::Always(Answer::status(503)),
        ScannerBehaviour::Unreachable,
        ScannerBehaviour::Always(Answer::status(404)),
    ] {
        for probe in probes(rig, behaviour).await? {
            let count = probe.recording.requests.len();
            if count > MAX_REQUESTS {
                return fail(format!(
                    "`{}` made {count} requests in one call, and all of them failed",
                    probe.function.name()
                ));
            }
        }
    }
    Ok(())
}

/// Calls every function on the scan, also those that make no request. Fails if a call fails.
pub async fn probe_all(rig: &Rig, remote: &RemoteScan, behaviour: ScannerBehaviour) -> Result<Vec<Probe>, Stop> {
    let mut probes = Vec::new();
    for function in Function::ALL {
        probes.push(rig.always(behaviour.clone()).probe(function, remote).await);
    }
    for probe in &probes {
        if let CallResult::Fault(fault) = &probe.result {
            return fail(format!("`{}` {fault}", probe.function.name()));
        }
    }
    Ok(probes)
}
