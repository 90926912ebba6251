//! A scanner that is down, busy, refuses, or answers with something else than its dialect.
//! These cases need no script: whatever the dialect, a status and a broken answer mean the same.

use scanhost_sandbox::{RemoteScan, ScannerError};
use serde_json::json;

use crate::{case::{Case, Outcome, Stop, case, fail, skip}, probe::{Function, Probe, Said}, rig::{INSTALLATION, Rig, TASK}, script::Answer, scripted::Manner};

/// What no error, log line or health message may repeat.
const CANARY: &str = "canary-7c21e0";

/// Requests in one call, after which a backend is hammering and not asking.
const MANY_REQUESTS: usize = 16;

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("retries-when-unreachable", unreachable, "nothing was sent: the host has to try again later"),
        case!("retries-when-cut-off", cut_off, "nobody knows whether the scanner acted: the host has to look again"),
        case!("retries-on-500", status_500, "a scanner that stumbled is not a wrong request: the host tries again"),
        case!("retries-on-503", status_503, "a scanner that restarts comes back: the host tries again"),
        case!(
            "obeys-retry-after",
            retry_after,
            "429 with `Retry-After: 7` is `rate-limited(7000)`: the host waits so long"
        ),
        case!(
            "takes-429-without-a-time",
            no_retry_after,
            "429 alone is `rate-limited(none)`: the host waits as it thinks fit"
        ),
        case!("tells-401", status_401, "a refused login is `unauthorized`: trying again would lock the account"),
        case!(
            "tells-403",
            status_403,
            "a missing right is `unauthorized` or `unsupported`: trying again changes nothing"
        ),
        case!("tells-a-lost-scan", status_404, "404 for a scan is `not-found`, and to `remove` a success"),
        case!("refuses-html", html, "a login page or proxy in front of the scanner is no answer of the scanner"),
        case!("refuses-cut-json", cut_json, "half an answer must never be taken for a whole one"),
        case!("refuses-an-empty-answer", empty, "an empty 200 says nothing about a scan"),
        case!("refuses-garbage", garbage, "bytes that are no text must end in an error, not in a crash"),
        case!("stands-strange-json", strange, "JSON of another shape must end in an error, not in a crash"),
        case!("stands-strange-headers", strange_headers, "headers are the scanner's too: whatever they hold, no crash"),
        case!("stands-deep-json", deep, "nesting without end must not exhaust the stack"),
        case!("stands-a-large-answer", large, "an answer of 8 MiB has to fit its limits"),
        case!("quotes-nothing", quotes, "what a scanner says is an attacker's text: none of it in errors and logs"),
        case!("gives-up", gives_up, "the host does the waiting: a call is a few requests, also when each fails"),
    ]
}

/// Calls every function once while the scanner meets all requests alike. Those that asked nothing are left out.
async fn probes(rig: &Rig, manner: Manner) -> Result<Vec<Probe>, Stop> {
    let remote = rig.any_scan().await;
    let mut probes = Vec::new();
    for function in Function::ALL {
        let probe = rig.always(manner.clone()).probe(function, &remote).await;
        if let Said::Fault(fault) = &probe.said {
            return fail(format!("`{}` {fault}", function.name()));
        }
        if !probe.seen.requests.is_empty() {
            probes.push(probe);
        }
    }
    if probes.is_empty() { skip("it makes no requests") } else { Ok(probes) }
}

/// The answer is right for everyone, or the first for which it is not is named.
fn judge(probes: &[Probe], expected: &str, is_right: impl Fn(&Probe) -> bool) -> Outcome {
    match probes.iter().find(|probe| !is_right(probe)) {
        Some(probe) => fail(format!("`{}` gave {}, expected {expected}", probe.function.name(), probe.said.text())),
        None => Ok(()),
    }
}

/// `health` may say in its own way that the scanner is not ready.
fn says_not_ready(probe: &Probe) -> bool {
    probe.function == Function::Health && matches!(&probe.said, Said::Value(value) if value.contains("ready: false"))
}

async fn retried(rig: &Rig, manner: Manner) -> Outcome {
    let probes = probes(rig, manner).await?;
    judge(&probes, "`unavailable`, `internal` or `rate-limited`", |probe| {
        probe.said.is_retried() || says_not_ready(probe)
    })
}

async fn unreachable(rig: &Rig) -> Outcome {
    retried(rig, Manner::Unreachable).await
}

async fn cut_off(rig: &Rig) -> Outcome {
    retried(rig, Manner::BreaksOff).await
}

async fn status_500(rig: &Rig) -> Outcome {
    retried(rig, Manner::Always(Answer::text(500, "internal error"))).await
}

async fn status_503(rig: &Rig) -> Outcome {
    retried(rig, Manner::Always(Answer::text(503, "starting"))).await
}

async fn limited(rig: &Rig, answer: Answer, wanted: Option<u32>) -> Outcome {
    let probes = probes(rig, Manner::Always(answer)).await?;
    judge(&probes, &format!("`rate-limited({wanted:?})`"), |probe| {
        probe.function == Function::Health
            || matches!(&probe.said, Said::Error(ScannerError::RateLimited(after)) if *after == wanted)
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
    let probes = probes(rig, Manner::Always(Answer::status(401))).await?;
    judge(&probes, "`unauthorized`", |probe| {
        matches!(&probe.said, Said::Error(ScannerError::Unauthorized(_))) || says_not_ready(probe)
    })
}

async fn status_403(rig: &Rig) -> Outcome {
    let probes = probes(rig, Manner::Always(Answer::status(403))).await?;
    judge(&probes, "`unauthorized` or `unsupported`", |probe| {
        matches!(&probe.said, Said::Error(ScannerError::Unauthorized(_) | ScannerError::Unsupported(_)))
            || says_not_ready(probe)
    })
}

async fn status_404(rig: &Rig) -> Outcome {
    let probes = probes(rig, Manner::Always(Answer::status(404))).await?;
    judge(&probes, "`not-found`, and of `remove` success", |probe| match probe.function {
        Function::Status | Function::Launch => matches!(&probe.said, Said::Error(ScannerError::NotFound(_))),
        Function::Remove => matches!(&probe.said, Said::Value(_)),
        _ => true,
    })
}

/// `create`, `find`, `list-scans` and `status` tell something of a scan, and must not do so of their own invention.
async fn invents_nothing(rig: &Rig, answer: Answer) -> Outcome {
    let probes = probes(rig, Manner::Always(answer)).await?;
    judge(&probes, "an error", |probe| match probe.function {
        Function::Create | Function::Find | Function::ListScans | Function::Status => {
            matches!(&probe.said, Said::Error(_))
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
        probes(rig, Manner::Always(Answer { json: Some(body), ..Answer::status(200) })).await?;
    }
    // Half of a pair of surrogates is legal JSON and no text.
    let half = r#""\ud800""#;
    let name = format!(r#""a [{INSTALLATION} {TASK}]\ud800""#);
    let marked = format!(r#""a\udc00 [{INSTALLATION} {TASK}]""#);
    let scan = |name: &str| format!(r#"{{"id": {half}, "name": {name}, "state": {half}, "status": {half}}}"#);
    for body in [half.to_owned(), scan(half), format!(r#"{{"scans": [{}, {}]}}"#, scan(&marked), scan(&name))] {
        probes(rig, Manner::Always(Answer::text(200, body))).await?;
    }
    Ok(())
}

async fn strange_headers(rig: &Rig) -> Outcome {
    for after in ["", "-1", "soon", "1e9", "٣", "Wed, 21 Oct 2026 07:28:00 GMT", &"9".repeat(5_000)] {
        let mut answer = Answer::status(429);
        answer.headers.insert("retry-after".into(), after.into());
        probes(rig, Manner::Always(answer)).await?;
    }
    Ok(())
}

async fn deep(rig: &Rig) -> Outcome {
    probes(rig, Manner::Always(Answer::text(200, "[".repeat(200_000)))).await.map(drop)
}

async fn large(rig: &Rig) -> Outcome {
    let body = format!(r#"{{"text": "{}"}}"#, "a".repeat(8 << 20));
    probes(rig, Manner::Always(Answer::text(200, body))).await.map(drop)
}

async fn quotes(rig: &Rig) -> Outcome {
    for status in [400, 403, 409, 418, 500] {
        let body = json!({ "error": CANARY, "message": CANARY, "status": CANARY, "name": CANARY });
        let answer = Answer { json: Some(body), ..Answer::status(status) };
        for probe in probes(rig, Manner::Always(answer)).await? {
            let is_error = matches!(&probe.said, Said::Error(_)) || probe.function == Function::Health;
            let logged = probe.seen.log.iter().any(|line| line.contains(CANARY));
            if logged || is_error && probe.said.text().contains(CANARY) {
                let what = if logged { "logged" } else { "put into its error" };
                return fail(format!("`{}` {what} what the scanner said with status {status}", probe.function.name()));
            }
        }
    }
    Ok(())
}

async fn gives_up(rig: &Rig) -> Outcome {
    for manner in [Manner::Always(Answer::status(503)), Manner::Unreachable, Manner::Always(Answer::status(404))] {
        for probe in probes(rig, manner).await? {
            let count = probe.seen.requests.len();
            if count > MANY_REQUESTS {
                return fail(format!("`{}` made {count} requests that all failed", probe.function.name()));
            }
        }
    }
    Ok(())
}

/// For cases elsewhere that want every function on a scan.
pub async fn each(rig: &Rig, remote: &RemoteScan, manner: Manner) -> Result<Vec<Probe>, Stop> {
    let mut probes = Vec::new();
    for function in Function::ALL {
        probes.push(rig.always(manner.clone()).probe(function, remote).await);
    }
    for probe in &probes {
        if let Said::Fault(fault) = &probe.said {
            return fail(format!("`{}` {fault}", probe.function.name()));
        }
    }
    Ok(probes)
}
