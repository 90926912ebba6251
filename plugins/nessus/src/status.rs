//! The state and progress of a scan.

use scanhost_sdk::{
    backend::{
        log::{self, Level},
        scanner::{RemoteState, ScanStatus},
        types::ScanError,
    },
    requests::{Answer, Request},
};
use serde::Deserialize;

use crate::{phase::Phase, refusal, saved_state::SavedState, scan_id::ScanId, wire};

#[cfg(test)]
mod tests;

pub fn status(id: ScanId, saved: SavedState) -> Result<ScanStatus, ScanError> {
    let remote = remote_status(id)?;
    if remote.phase == Phase::Unknown {
        log::write(Level::Warn, "the scanner reports an unknown state; the scan is treated as running");
    }
    Ok(judge(remote, saved))
}

/// What the scanner says about one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteStatus {
    pub phase: Phase,
    /// 0 to 100.
    percent: u8,
}

pub fn remote_status(id: ScanId) -> Result<RemoteStatus, ScanError> {
    read(Request::get("read the scan's status", id.path("")).send()?)
}

fn judge(remote: RemoteStatus, saved: SavedState) -> ScanStatus {
    // 100 is for scans that have ended.
    let running = RemoteState::Running(remote.percent.min(99));
    let state = match remote.phase {
        Phase::Empty if saved.launched => RemoteState::Running(0),
        Phase::Empty => RemoteState::Created,
        Phase::Working | Phase::Ending | Phase::Unknown => running,
        Phase::Completed => RemoteState::Completed,
        Phase::Failed(reason) => RemoteState::Failed(reason.to_owned()),
    };
    let launched = state != RemoteState::Created;
    ScanStatus { state, next_state: SavedState { launched }.write() }
}

fn read(answer: Answer) -> Result<RemoteStatus, ScanError> {
    #[derive(Deserialize)]
    struct Details {
        info: Info,
        #[serde(default, deserialize_with = "wire::or_default")]
        hosts: Vec<Host>,
    }
    #[derive(Deserialize)]
    struct Info {
        #[serde(default, deserialize_with = "wire::or_default")]
        status: String,
        #[serde(default, deserialize_with = "wire::number")]
        progress: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Host {
        #[serde(default, deserialize_with = "wire::number")]
        scanprogresscurrent: Option<u64>,
        #[serde(default, deserialize_with = "wire::number")]
        scanprogresstotal: Option<u64>,
    }
    let Details { info, hosts } = refusal::accept(answer)?.json()?;
    let of_hosts = hosts.iter().filter_map(|host| Some((host.scanprogresscurrent?, host.scanprogresstotal?)));
    let percent = percent(of_hosts).or(info.progress).unwrap_or(0);
    Ok(RemoteStatus { phase: Phase::of(&info.status), percent: u8::try_from(percent.min(100)).unwrap_or(100) })
}

/// The percentage of all hosts together, each given as (current, total); none if the total is zero.
fn percent(hosts: impl Iterator<Item = (u64, u64)>) -> Option<u64> {
    let (current, total) = hosts.fold((0_u128, 0_u128), |(current, total), (host_current, host_total)| {
        (current + u128::from(host_current.min(host_total)), total + u128::from(host_total))
    });
    let percent = (current * 100).checked_div(total)?;
    u64::try_from(percent).ok()
}
