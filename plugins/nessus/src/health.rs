//! Checks whether the scanner answers, whether it takes the host's login, and what its edition can do.

use scanhost_sdk::{
    backend::{scanner::ScannerHealth, types::ScanError},
    requests::{Answer, Request},
};
use serde::Deserialize;

use crate::{refusal, wire};

#[cfg(test)]
mod tests;

pub fn health(now_ms: u64) -> Result<ScannerHealth, ScanError> {
    let readiness = readiness(Request::get("read the scanner's state", "/server/status").send()?)?;
    if readiness == Readiness::Ready {
        check_login(Request::get("list the scans", changed_since(now_ms)).send()?)?;
    }
    Ok(judge(readiness, &edition()))
}

/// Lists only what changed since this moment, which is nothing: the answer shows whether the login is good.
fn changed_since(now_ms: u64) -> String {
    format!("/scans?last_modification_date={}", now_ms / 1_000)
}

/// Fails only where the scanner refuses the login. Any other answer says nothing about the login.
fn check_login(answer: Answer) -> Result<(), ScanError> {
    match answer.status {
        401 | 403 => refusal::accept(answer).map(drop),
        _ => Ok(()),
    }
}

/// Whether the licence allows creating scans over the API; none if that cannot be found out.
pub fn has_scan_api() -> Option<bool> {
    edition().scan_api
}

/// The edition, with unknown fields if it cannot be read: the scanner may still be usable.
fn edition() -> Edition {
    let answer = Request::get("read the scanner's edition", "/server/properties").send().ok();
    answer.map(|answer| Edition::read(&answer)).unwrap_or_default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    Loading,
    Other,
}

fn readiness(answer: Answer) -> Result<Readiness, ScanError> {
    #[derive(Deserialize)]
    struct State {
        #[serde(default, deserialize_with = "wire::or_default")]
        status: String,
    }
    // While it starts, Nessus answers 503 with a body that says so.
    let answer = if answer.status == 503 { answer } else { refusal::accept(answer)? };
    let State { status } = match answer.json() {
        Ok(state) => state,
        Err(_) if answer.status == 503 => return Err(answer.usual_error()),
        Err(error) => return Err(error),
    };
    Ok(match status.as_str() {
        "ready" => Readiness::Ready,
        "loading" => Readiness::Loading,
        _ => Readiness::Other,
    })
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edition {
    name: Option<String>,
    version: Option<String>,
    scan_api: Option<bool>,
    /// The number of addresses that the licence covers.
    addresses: Option<u64>,
}

impl Edition {
    fn read(answer: &Answer) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Properties {
            #[serde(deserialize_with = "wire::text")]
            nessus_type: Option<String>,
            #[serde(deserialize_with = "wire::text")]
            server_version: Option<String>,
            #[serde(deserialize_with = "wire::or_default")]
            license: License,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct License {
            #[serde(deserialize_with = "wire::number")]
            ips: Option<u64>,
            #[serde(deserialize_with = "wire::or_default")]
            features: Features,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Features {
            scan_api: Option<bool>,
        }
        let Properties { nessus_type, server_version, license } = match answer.json() {
            Ok(properties) if answer.is_success() => properties,
            _ => return Self::default(),
        };
        let License { ips, features } = license;
        Self {
            name: nessus_type.filter(|name| is_plain(name)),
            version: server_version.filter(|version| is_plain(version)),
            scan_api: features.scan_api,
            addresses: ips,
        }
    }
}

/// Whether a name or version is safe in a message.
fn is_plain(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'.' | b'-' | b'_' | b'+' | b'#'))
}

fn judge(readiness: Readiness, edition: &Edition) -> ScannerHealth {
    let mut message = edition.name.clone().unwrap_or_else(|| "Nessus of an unknown edition".to_owned());
    if let Some(version) = &edition.version {
        message = format!("{message} {version}");
    }
    if let Some(addresses) = edition.addresses {
        message = format!("{message} for {addresses} addresses");
    }
    let (ready, what) = match (readiness, edition.scan_api) {
        (Readiness::Loading, _) => (false, "still loading"),
        (Readiness::Other, _) => (false, "not ready"),
        (Readiness::Ready, Some(false)) => (false, refusal::NO_SCAN_API),
        (Readiness::Ready, Some(true)) => (true, "ready, takes scans over its API"),
        (Readiness::Ready, None) => (true, "ready, but it is not known whether it takes scans over its API"),
    };
    ScannerHealth { ready, message: format!("{message}: {what}") }
}
