//! What ends a scan from outside: its time limit, a cancel, another worker; and stopping it at its scanner.

use std::{sync::atomic::Ordering, time::Duration};

use jiff::Timestamp;
use scanhost_domain::{
    ids::TaskId,
    scan::{Failure, FailureCode, Fence, Outcome, Phase, Running, Scan, ScanState},
    schedule::{Retry, retry},
};
use scanhost_outbound::{egress::Placeholders, lease::Lease};
use scanhost_store::WorkError;
use scanhost_system::{clock, pace::paced};

use super::{Driver, End};
use crate::{
    host::Host,
    snapshot::LoadedScanner,
    trouble::{Cure, Trouble},
};

/// How long stopping a scan at its scanner may take: one that is away must not keep a cancelled scan running for ever.
/// What still runs then is stopped by the housekeeping, once the scanner works and is enabled.
const STOP_TIME: Duration = Duration::from_secs(60);

/// The same for a scan that has failed while its scanner goes on with it.
const FAILED_STOP_TIME: Duration = Duration::from_secs(30);

/// After so many tries to stop it the time between them grows no more.
const LONGEST_WAIT: u32 = 5;

/// Between two signs of life to the store; a few of them may be missed before the scan counts as lost.
const HEARTBEAT: Duration = Duration::from_secs(8);

/// What is left of the scan's time limit.
pub(super) fn time_left(started_at: Timestamp, limit: Duration) -> Duration {
    let spent = clock::now().duration_since(started_at);
    limit.saturating_sub(Duration::try_from(spent).unwrap_or_default())
}

/// Ready once the scan's time is up, by the limit that is configured then.
pub(super) async fn time_up(host: &Host, started_at: Timestamp) {
    let mut generations = host.reloads.generations();
    loop {
        generations.mark_unchanged();
        let left = time_left(started_at, host.snapshot.load().config.limits.scan);
        tokio::select! {
            () = tokio::time::sleep(left) => return,
            _ = generations.changed() => {}
        }
    }
}

/// The end that the scan was to have when its last worker was lost. It may be stopped at its scanner already, so that its
/// status there would tell of another one.
pub(super) fn overdue(running: &Running, time_left: Duration) -> Option<Outcome> {
    if running.cancel_requested {
        return Some(Outcome::Cancelled);
    }
    time_left.is_zero().then_some(Outcome::Timeout)
}

/// A scan that cannot be picked up again.
pub(super) fn worker_lost() -> Failure {
    let message = "its worker was lost, and its scanner cannot resume".to_owned();
    Failure { code: FailureCode::WorkerLost, message }
}

/// The end of a scan whose worker leaves it, where nobody can go on with it: told at once, and not when the next worker
/// comes.
pub(super) async fn cut_short(host: &Host, id: &TaskId, fence: Fence) -> Option<Outcome> {
    let Ok(Some(Scan { state: ScanState::Running(running), .. })) = host.scans.scan(id).await else { return None };
    let snapshot = host.snapshot.load();
    let is_resumable = snapshot.scanner(&running.slot.scanner)?.backend.description().resumable;
    let is_lost = running.fence == fence && running.phase != Phase::Claimed && !is_resumable;
    // Its program is gone already, which is all that a cancel wants.
    let outcome = || if running.cancel_requested { Outcome::Cancelled } else { Outcome::Failed(worker_lost()) };
    is_lost.then(outcome)
}

/// A pool may have scanners of several kinds, and the request was checked against all of them.
pub(super) fn permit_type(scan: &Scan, running: &Running, scanner: &LoadedScanner) -> Result<(), End> {
    if running.phase != Phase::Claimed || scanner.takes(scan.request.scan_type) {
        return Ok(());
    }
    let message = format!("the scanner {} takes no {} scans", scanner.id, scan.request.scan_type);
    Err(Failure { code: FailureCode::Unsupported, message }.into())
}

/// Ready once somebody has asked for the scan to be cancelled.
pub(super) async fn cancelled(host: &Host, id: &TaskId) {
    let watch = host.scans.watch(id);
    loop {
        let changed = watch.changed();
        if let Ok(Some(Scan { state: ScanState::Running(running), .. })) = host.scans.scan(id).await
            && running.cancel_requested
        {
            return;
        }
        // Whoever asked for it may have gone before anybody was told.
        let _told = tokio::time::timeout(paced(HEARTBEAT), changed).await;
    }
}

/// Keeps the scan for this worker; ready once another one has it.
pub(super) async fn lost(host: &Host, id: &TaskId, fence: Fence, lease: &Lease) {
    loop {
        tokio::time::sleep(paced(HEARTBEAT)).await;
        let asked_at = clock::since_boot();
        match host.scans.heartbeat(id, fence).await {
            Err(WorkError::Stale) => return,
            Ok(()) => lease.renew(asked_at),
            // While the store is away nobody else can take it over.
            Err(WorkError::Store(_)) => {}
        }
    }
}

impl Driver {
    /// How long to try to stop the scan at its scanner before it ends so; none when nothing runs there any more.
    pub(super) fn stop_time(&self, outcome: &Outcome) -> Option<Duration> {
        match outcome {
            // A store in doubt stops only what a caller cancels.
            Outcome::Timeout | Outcome::Failed(_)
                if !self.host.orphans.is_trusted() || self.host.store_watch.emptied().is_some() =>
            {
                None
            }
            Outcome::Timeout | Outcome::Cancelled => Some(paced(STOP_TIME)),
            Outcome::Completed(_) => None,
            Outcome::Failed(failure) => {
                let has_ended = matches!(failure.code, FailureCode::RemoteScanFailed | FailureCode::RemoteScanLost);
                let is_launched = matches!(self.running.phase, Phase::Launching { .. } | Phase::Launched { .. });
                (is_launched && !has_ended).then_some(paced(FAILED_STOP_TIME))
            }
        }
    }

    /// Best effort, for as long as it is waited for: the scan ends here in any case.
    pub(super) async fn stop_remote(&mut self) {
        for attempt in 0.. {
            let Err(trouble) = self.try_stop().await else { return };
            let after = match trouble.cure {
                Cure::Retry(after) => after,
                Cure::AwaitLogin => None,
                Cure::None | Cure::CheckLogin => return,
            };
            let message = &trouble.failure.message;
            tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, reason = message, "the scan could not be stopped at its scanner");
            if let Retry::After(delay) = retry(LONGEST_WAIT.min(attempt), after, rand::random()) {
                // A scanner that says how long is to be obeyed.
                tokio::time::sleep(if after.is_some() { delay } else { paced(delay) }).await;
            }
        }
    }

    async fn try_stop(&mut self) -> Result<(), Trouble> {
        let remote_id = match self.running.phase.remote_id() {
            Some(remote_id) => Some(remote_id.to_owned()),
            None if !self.may_exist.load(Ordering::Relaxed) => None,
            None => {
                let found = self.backend.find(
                    self.reach(Placeholders::default(), false),
                    self.context(),
                    self.scan.id.as_str(),
                );
                self.judged("scanner.find", found).await?.map(|remote| remote.id)
            }
        };
        let Some(remote_id) = remote_id else { return Ok(()) };
        let stopped = self.backend.stop(self.reach(Placeholders::default(), false), self.context(), &remote_id);
        self.judged("scanner.stop", stopped).await
    }
}
