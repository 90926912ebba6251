//! What the host hands in may be large or odd, and what goes out has to be permitted.

use scanhost_domain::request::ScanType;
use scanhost_sandbox::{Credential, LoginSecret, NewScan, RemoteScan};
use serde_json::json;

use super::trouble::each;
use crate::{case::{Case, Outcome, case, fail, skip}, probe::Function, rig::{Rig, plain_scan}, script::Answer, scripted::Manner};

/// What stands for a password in the kit.
const PLACEHOLDER: &str = "scanhost-secret-00000000000000000000000000000000-0";

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("asks-what-is-permitted", permitted, "the host refuses absolute paths and headers that are its own"),
        case!("answers-the-same-twice", same_twice, "a call depends on its input alone, so that it can be repeated"),
        case!("stands-a-foreign-state", foreign_state, "a state may be of an older version: an error, not a crash"),
        case!("stands-odd-ids", odd_ids, "ids come from the scanner, who may be hostile"),
        case!("takes-a-large-request", large_request, "65,536 targets may be asked for; the state is at most 64 KiB"),
        case!("keeps-placeholders-in-the-body", placeholders, "only there the host puts the secret in their place"),
    ]
}

async fn permitted(rig: &Rig) -> Outcome {
    let remote = rig.any_scan().await;
    let mut probes =
        each(rig, &remote, Manner::Always(Answer { json: Some(json!({})), ..Answer::status(200) })).await?;
    for function in Function::ALL {
        probes.push(rig.opening().probe(function, &remote).await);
    }
    match probes.iter().find_map(|probe| probe.seen.denied.first().map(|denied| (probe.function, denied))) {
        Some((function, denied)) => fail(format!("`{}` asked for {denied}", function.name())),
        None => Ok(()),
    }
}

async fn same_twice(rig: &Rig) -> Outcome {
    let remote = rig.any_scan().await;
    for function in Function::ALL {
        let [first, second] =
            [rig.opening().probe(function, &remote).await, rig.opening().probe(function, &remote).await];
        if first.said.text() != second.said.text() {
            let (one, other) = (first.said.text(), second.said.text());
            return fail(format!("`{}` gave first {one}, then {other}", function.name()));
        }
        if first.seen.requests != second.seen.requests {
            return fail(format!("`{}` asked for other things the second time", function.name()));
        }
    }
    Ok(())
}

async fn foreign_state(rig: &Rig) -> Outcome {
    let id = rig.any_scan().await.id;
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for state in [b"{}".to_vec(), b"null".to_vec(), b"\xff\xfe".to_vec(), noise] {
        let remote = RemoteScan { id: id.clone(), state };
        each(rig, &remote, Manner::Always(Answer::status(404))).await?;
    }
    Ok(())
}

async fn odd_ids(rig: &Rig) -> Outcome {
    let state = rig.any_scan().await.state;
    for id in ["../../x", "7?a=b#c", "-1", "99999999999999999999999", "é\u{202e}", "\"'\\", " "] {
        let remote = RemoteScan { id: id.into(), state: state.clone() };
        each(rig, &remote, Manner::Always(Answer::status(404))).await?;
    }
    let long = RemoteScan { id: "a".repeat(256), state };
    each(rig, &long, Manner::Always(Answer::status(404))).await.map(drop)
}

async fn large_request(rig: &Rig) -> Outcome {
    let targets = (0..65_536_u32).map(|n| format!("10.77.{}.{}", n >> 8, n & 255)).collect();
    let scan = NewScan { targets, name: "n".repeat(500), description: "d".repeat(10_000), ..plain_scan() };
    match rig.opening().create(scan).await {
        // That it cannot take so many is an answer too.
        Ok(_) => Ok(()),
        Err(fault) => fail(format!("`create` {fault}")),
    }
}

async fn placeholders(rig: &Rig) -> Outcome {
    if !rig.backend.description().scan_types.contains(&ScanType::Trusted) {
        return skip("it describes no trusted scans");
    }
    let credential =
        Credential { username: "auditor".into(), secret: LoginSecret::Password(PLACEHOLDER.into()), escalation: None };
    let scan = NewScan { scan_type: ScanType::Trusted, credential: Some(credential), ..plain_scan() };
    let scene = rig.opening();
    let created = scene.create(scan).await;
    let seen = scene.scanner.seen();
    let is_in = |text: &str| text.contains(PLACEHOLDER);
    let place = if seen.requests.iter().any(|(line, _)| is_in(line)) {
        "a path"
    } else if seen.headers.iter().any(|header| is_in(header)) {
        "a header"
    } else if seen.log.iter().any(|line| is_in(line)) {
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
