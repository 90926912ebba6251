//! Cases about input, which may be large or odd, and about requests, which have to be permitted.

use scanhost_domain::request::ScanType;
use scanhost_sandbox::{Credential, LoginSecret, NewScan, RemoteScan};
use serde_json::json;

use super::trouble::probe_all;
use crate::{
    case::{Case, Outcome, case, fail, skip},
    probe::Function,
    rig::{Rig, plain_scan},
    script::Answer,
    scripted_scanner::ScannerBehaviour,
};

/// The placeholder of the kit's password.
const PLACEHOLDER: &str = "scanhost-secret-00000000000000000000000000000000-0";

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("asks-what-is-permitted", permitted, "the host refuses absolute paths, and headers that only it may set"),
        case!(
            "answers-the-same-twice",
            same_twice,
            "the result of a call must depend only on its input, so that the call can be repeated"
        ),
        case!(
            "stands-a-foreign-state",
            foreign_state,
            "the state may come from an older version: return an error, do not crash"
        ),
        case!("stands-odd-ids", odd_ids, "ids come from the scanner, which may be hostile"),
        case!(
            "takes-a-large-request",
            large_request,
            "a request may have 65,536 targets, but the state at most 64 KiB"
        ),
        case!(
            "keeps-placeholders-in-the-body",
            placeholders,
            "the host replaces placeholders by secrets only in bodies"
        ),
    ]
}

async fn permitted(rig: &Rig) -> Outcome {
    let remote = rig.any_scan().await;
    let mut probes =
        probe_all(rig, &remote, ScannerBehaviour::Always(Answer { json: Some(json!({})), ..Answer::status(200) }))
            .await?;
    for function in Function::ALL {
        probes.push(rig.stage_without_scan().probe(function, &remote).await);
    }
    match probes.iter().find_map(|probe| probe.recording.denied.first().map(|denied| (probe.function, denied))) {
        Some((function, denied)) => {
            fail(format!("`{}` made a request that the host refuses: {denied}", function.name()))
        }
        None => Ok(()),
    }
}

async fn same_twice(rig: &Rig) -> Outcome {
    let remote = rig.any_scan().await;
    for function in Function::ALL {
        let [first, second] = [
            rig.stage_without_scan().probe(function, &remote).await,
            rig.stage_without_scan().probe(function, &remote).await,
        ];
        if first.result.text() != second.result.text() {
            let (one, other) = (first.result.text(), second.result.text());
            return fail(format!("`{}` returned {one} first, then {other}", function.name()));
        }
        if first.recording.requests != second.recording.requests {
            return fail(format!("`{}` made different requests the second time", function.name()));
        }
    }
    Ok(())
}

async fn foreign_state(rig: &Rig) -> Outcome {
    let id = rig.any_scan().await.id;
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for state in [b"{}".to_vec(), b"null".to_vec(), b"\xff\xfe".to_vec(), noise] {
        let remote = RemoteScan { id: id.clone(), state };
        probe_all(rig, &remote, ScannerBehaviour::Always(Answer::status(404))).await?;
    }
    Ok(())
}

async fn odd_ids(rig: &Rig) -> Outcome {
    let state = rig.any_scan().await.state;
    for id in ["../../x", "7?a=b#c", "-1", "99999999999999999999999", "é\u{202e}", "\"'\\", " "] {
        let remote = RemoteScan { id: id.into(), state: state.clone() };
        probe_all(rig, &remote, ScannerBehaviour::Always(Answer::status(404))).await?;
    }
    let long = RemoteScan { id: "a".repeat(256), state };
    probe_all(rig, &long, ScannerBehaviour::Always(Answer::status(404))).await.map(drop)
}

async fn large_request(rig: &Rig) -> Outcome {
    let targets = (0..65_536_u32).map(|n| format!("10.77.{}.{}", n >> 8, n & 255)).collect();
    let scan = NewScan { targets, name: "n".repeat(500), description: "d".repeat(10_000), ..plain_scan() };
    match rig.stage_without_scan().create(scan).await {
        // An error that says that there are too many targets is a valid answer.
        Ok(_) => Ok(()),
        Err(fault) => fail(format!("`create` {fault}")),
    }
}

async fn placeholders(rig: &Rig) -> Outcome {
    if !rig.backend.description().scan_types.contains(&ScanType::Trusted) {
        return skip("its `scan-types` do not include trusted scans");
    }
    let credential =
        Credential { username: "auditor".into(), secret: LoginSecret::Password(PLACEHOLDER.into()), escalation: None };
    let scan = NewScan { scan_type: ScanType::Trusted, credential: Some(credential), ..plain_scan() };
    let stage = rig.stage_without_scan();
    let created = stage.create(scan).await;
    let recording = stage.scanner.recording();
    let is_in = |text: &str| text.contains(PLACEHOLDER);
    let place = if recording.requests.iter().any(|(line, _)| is_in(line)) {
        "a path"
    } else if recording.headers.iter().any(|header| is_in(header)) {
        "a header"
    } else if recording.log.iter().any(|line| is_in(line)) {
        "the log"
    } else {
        match &created {
            Ok(Ok(remote)) if is_in(&remote.id) || is_in(&String::from_utf8_lossy(&remote.state)) => "the state",
            Ok(Err(error)) if is_in(&format!("{error:?}")) => "an error",
            Ok(_) => return Ok(()),
            Err(fault) => return fail(format!("`create` {fault}")),
        }
    };
    fail(format!("`create` put the placeholder of a password into {place}"))
}
