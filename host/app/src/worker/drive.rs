//! One scan from its claim to its end.

mod begin;
mod call;
mod crashes;
mod ending;
mod endure;
mod files_away;
mod persist;
mod reach;
mod reloaded;
mod report;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use scanhost_config::Limits;
use scanhost_domain::scan::{Failure, FailureCode, Outcome, Phase, PluginVersion, Running, Scan, ScanState};
use scanhost_outbound::{
    egress::{Placeholders, ScannerClient},
    lease::Lease,
};
use scanhost_sandbox::{Backend, RemoteState};
use scanhost_store::{Change, Claimed};
use scanhost_system::{clock, pace::paced};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    crash_mark::CrashMark,
    host::Host,
    record_file, scan_folder,
    snapshot::{Snapshot, poll_interval},
    trouble::Trouble,
};
use crashes::{count_crash, suspicion};
use ending::{cancelled, cut_short, lost, overdue, permit_type, time_left, time_up, worker_lost};
use endure::Asked;
use persist::persist;
use reloaded::with_its_scanner;

/// How long a call to a scanner takes at most, its breaker and all limits included.
const CALL_TIME: Duration = Duration::from_secs(60);

/// How long a scanner may show a launched scan as one that was never launched.
const IDLE_TIME: Duration = Duration::from_secs(600);

/// Why driving ends.
enum End {
    Outcome(Outcome),
    /// Another worker has it, or it was deleted.
    Stale,
    /// This host ends; the scan goes on with the next one.
    Shutdown,
    /// It was asked to stop, and no call is under way.
    Interrupted,
    /// The data folder of this host cannot be used now: its disk is full, or it is not there.
    NoFolder,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Outcome(Outcome::Failed(failure))
    }
}

/// Every line in it names the scan.
pub async fn drive(host: Arc<Host>, claimed: Claimed, lease: Lease, offered: Arc<Snapshot>) {
    let scan = &claimed.scan;
    // Of the highest level, so that it is there whichever lines are wanted.
    let span = tracing::error_span!("drive", scan = %scan.id, trace = %scan.trace, pool = %scan.request.pool);
    claim_to_end(host, claimed, lease, offered).instrument(span).await;
}

async fn claim_to_end(host: Arc<Host>, claimed: Claimed, lease: Lease, offered: Arc<Snapshot>) {
    let (id, fence) = (claimed.scan.id.clone(), claimed.running.fence);
    let (trace, pool) = (claimed.scan.trace.clone(), claimed.scan.request.pool.clone());
    let started_at = claimed.running.started_at;
    let end = run(&host, claimed, lease, offered).await;
    // Another worker may have the scan from now on, and this one's death is none of the scan's.
    host.crash_marks.forget(&id, fence);
    // Whatever became of the scan, nothing runs on for it.
    host.programs.end(&id, fence, &host.folder(&id)).await;
    let mut outcome = match end {
        End::Outcome(outcome) => outcome,
        End::Stale => {
            tracing::info!(scan = %id, %trace, "the scan has another worker or is gone, leaving it");
            host.scans.release(&id, fence).await;
            scan_folder::clear_if_gone(&host, &id).await;
            return;
        }
        End::Shutdown | End::Interrupted | End::NoFolder => match cut_short(&host, &id, fence).await {
            Some(outcome) => outcome,
            None => {
                host.scans.release(&id, fence).await;
                return;
            }
        },
    };
    let now = clock::now();
    // The record before the state: who sees the scan ended finds it, and who deletes the scan then meets no writer.
    let look = async || Ok(host.scans.scan(&id).await?);
    if let Ok(Some(scan)) = persist(&host, &trace, look).await
        && let ScanState::Running(running) = scan.state.clone()
        && running.fence == fence
    {
        // Whoever has cancelled it expects nothing else of it.
        if let Outcome::Failed(failure) = &outcome
            && running.cancel_requested
        {
            tracing::info!(scan = %id, %trace, reason = failure.message, "a cancelled scan failed");
            outcome = Outcome::Cancelled;
        }
        record_file::write(&host, &scan.finished(running.finish(outcome.clone(), now))).await;
    }
    let finish = || host.scans.finish(&id, fence, outcome.clone(), now);
    if persist(&host, &trace, finish).await.is_err() {
        host.scans.release(&id, fence).await;
        scan_folder::clear_if_gone(&host, &id).await;
    } else if let Outcome::Completed(_) = outcome {
        host.waits.note(&pool, Duration::try_from(now.duration_since(started_at)).unwrap_or_default());
    }
}

async fn run(host: &Arc<Host>, claimed: Claimed, lease: Lease, offered: Arc<Snapshot>) -> End {
    let snapshot = match with_its_scanner(host, &claimed, &lease, offered).await {
        Ok(snapshot) => snapshot,
        Err(end) => return end,
    };
    let claimed = match count_crash(host, claimed).await {
        Ok(claimed) => claimed,
        Err(end) => return end,
    };
    let mut driver = match Driver::new(host, claimed, lease.clone(), snapshot) {
        Ok(driver) => driver,
        Err(end) => return end,
    };
    if let Err(end) = driver.find_its_version().await {
        return end;
    }
    let (id, fence) = (driver.scan.id.clone(), driver.running.fence);
    let (started_at, interrupt) = (driver.running.started_at, driver.interrupt.clone());
    let outcome = if let Some(outcome) = overdue(&driver.running, time_left(started_at, driver.limits.scan)) {
        outcome
    } else {
        let steps = driver.steps();
        tokio::pin!(steps);
        let outcome = tokio::select! {
            end = &mut steps => Err(end),
            () = time_up(host, started_at) => Ok(Outcome::Timeout),
            () = cancelled(host, &id) => Ok(Outcome::Cancelled),
            () = lost(host, &id, fence, &lease) => return End::Stale,
            () = host.shutdown.cancelled() => return End::Shutdown,
        };
        match outcome {
            Err(End::Outcome(outcome)) => outcome,
            Err(end) => return end,
            Ok(outcome) => {
                // A call under way is let end: what it does at the scanner has to be known before the scan is stopped
                // there.
                interrupt.cancel();
                tokio::select! {
                    end = steps => match end {
                        End::Interrupted => outcome,
                        End::Outcome(outcome) => outcome,
                        end => return end,
                    },
                    () = tokio::time::sleep(CALL_TIME) => outcome,
                    () = lost(host, &id, fence, &lease) => return End::Stale,
                    () = host.shutdown.cancelled() => return End::Shutdown,
                }
            }
        }
    };
    driver.interrupt = CancellationToken::new();
    let Some(stop_time) = driver.stop_time(&outcome) else { return End::Outcome(outcome) };
    tokio::select! {
        () = driver.stop_remote() => End::Outcome(outcome),
        () = tokio::time::sleep(stop_time) => End::Outcome(outcome),
        () = lost(host, &id, fence, &lease) => End::Stale,
        () = host.shutdown.cancelled() => End::Shutdown,
    }
}

/// What this worker knows of the present phase; each phase begins anew.
struct InPhase {
    step: PhaseStep,
    failures_in_a_row: u32,
    /// Failures of this host's own files.
    file_failures: u32,
    /// Answers in a row that contradict what is known of the scan.
    contradictions: usize,
}

impl InPhase {
    fn new(step: PhaseStep) -> Self {
        Self { step, failures_in_a_row: 0, file_failures: 0, contradictions: 0 }
    }
}

/// Whether the phase's own step has happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PhaseStep {
    /// This worker has announced it and not tried it yet, so it cannot have happened.
    Announced,
    /// An earlier worker may have taken it, or a try whose answer was lost.
    MayHaveHappened,
    /// The launch may have been lost, and the scanner has shown the scan as unlaunched once.
    SeenUnlaunched,
    /// The scanner shows the launched scan as one that was never launched since then.
    IdleSince(Instant),
}

struct Driver {
    host: Arc<Host>,
    snapshot: Arc<Snapshot>,
    scan: Scan,
    running: Running,
    lease: Lease,
    backend: Arc<Backend>,
    client: Arc<ScannerClient>,
    options: String,
    limits: Limits,
    /// Somebody wants the scan to end: the next wait is the last.
    interrupt: CancellationToken,
    /// Whether the scanner may have a scan of which only the marker is known.
    may_exist: Arc<AtomicBool>,
    /// Set while this process works on the scan.
    mark: Arc<CrashMark>,
    in_phase: InPhase,
    /// The version of the plugin that the scan went over to, until that is stored.
    went_over_to: Option<PluginVersion>,
}

impl Driver {
    fn new(host: &Arc<Host>, claimed: Claimed, lease: Lease, snapshot: Arc<Snapshot>) -> Result<Self, End> {
        let Claimed { scan, running } = claimed;
        let Some(scanner) = snapshot.scanner(&running.slot.scanner) else { return Err(End::Interrupted) };
        let (backend, client) = (scanner.backend.clone(), scanner.client.clone());
        // A report that is here is read without the scanner.
        let needs_scanner = !matches!(running.phase, Phase::Claimed | Phase::Ingesting { .. });
        if running.recoveries > 0 && needs_scanner && !backend.description().resumable {
            return Err(worker_lost().into());
        }
        permit_type(&scan, &running, scanner)?;
        let mark = host.crash_marks.mark(&scan.id, running.fence, suspicion(&running));
        Ok(Self {
            host: host.clone(),
            options: scanner.config.options.clone(),
            limits: snapshot.config.limits.clone(),
            snapshot,
            scan,
            lease,
            backend,
            client,
            interrupt: CancellationToken::new(),
            may_exist: Arc::new(AtomicBool::new(running.phase != Phase::Claimed)),
            mark,
            running,
            in_phase: InPhase::new(PhaseStep::MayHaveHappened),
            went_over_to: None,
        })
    }

    async fn steps(&mut self) -> End {
        loop {
            self.take_over_reloaded();
            let step = match self.running.phase.clone() {
                Phase::Claimed => self.enter(Phase::Creating, None).await,
                Phase::Creating => self.create().await,
                Phase::Created { remote_id } => self.enter(Phase::Launching { remote_id }, None).await,
                Phase::Launching { remote_id } => self.launch(remote_id).await,
                Phase::Launched { remote_id } => self.follow(remote_id).await,
                Phase::Exporting { remote_id, fetches } => self.export(remote_id, fetches).await,
                Phase::Ingesting { remote_id, fetches } => self.ingest(remote_id, fetches).await,
            };
            let waited = match step {
                Ok(()) => Ok(()),
                // Its files are what has filled the disk, or could not be written to its end.
                Err(End::NoFolder) => self.await_folder().await,
                Err(End::Outcome(Outcome::Failed(failure))) => match self.host.probe_folder().await {
                    Err(_) => self.await_folder().await,
                    Ok(()) => self.try_files_again(failure).await,
                },
                // A completed scan has its findings: where they went is looked at last.
                Err(End::Outcome(outcome @ Outcome::Completed(_))) => match self.host.check_folder().await {
                    Ok(()) if self.has_findings() => Err(End::Outcome(outcome)),
                    Ok(()) => self.export_again().await,
                    Err(_) => match self.await_folder().await {
                        Ok(()) => self.export_again().await,
                        Err(end) => Err(end),
                    },
                },
                Err(end) => Err(end),
            };
            if let Err(end) = waited {
                return end;
            }
        }
    }

    async fn enter(&mut self, phase: Phase, plugin_state: Option<Vec<u8>>) -> Result<(), End> {
        tracing::debug!(scan = %self.scan.id, trace = %self.scan.trace, phase = %phase.name(), "phase");
        self.store(Change::Enter { phase, plugin_state }).await?;
        self.in_phase = InPhase::new(PhaseStep::Announced);
        Ok(())
    }

    async fn store(&mut self, change: Change) -> Result<(), End> {
        if let Some(plugin) = self.went_over_to.take() {
            self.update(Change::Plugin(plugin)).await?;
        }
        self.update(change).await
    }

    async fn update(&mut self, change: Change) -> Result<(), End> {
        let (id, fence) = (&self.scan.id, self.running.fence);
        let asked_at = clock::since_boot();
        let update = || self.host.scans.update(id, fence, change.clone());
        self.running = persist(&self.host, &self.scan.trace, update).await?;
        self.lease.renew(asked_at);
        self.mark.set_suspicion(suspicion(&self.running));
        Ok(())
    }

    /// Looks at the running scan until it has ended.
    async fn follow(&mut self, remote_id: String) -> Result<(), End> {
        match self.status(&remote_id).await {
            Ok(RemoteState::Created) => {
                let idle_since = match self.in_phase.step {
                    PhaseStep::IdleSince(since) => since,
                    PhaseStep::Announced | PhaseStep::MayHaveHappened | PhaseStep::SeenUnlaunched => Instant::now(),
                };
                self.in_phase.step = PhaseStep::IdleSince(idle_since);
                if idle_since.elapsed() > paced(IDLE_TIME) {
                    let message = "its scanner has forgotten that the scan was launched".to_owned();
                    return Err(Failure { code: FailureCode::RemoteScanLost, message }.into());
                }
            }
            Ok(RemoteState::Running(percent)) => {
                self.in_phase.step = PhaseStep::MayHaveHappened;
                // 100 is for a scan whose findings can be read.
                self.host.scans.note_progress(&self.scan.id, self.running.fence, percent.min(99)).await;
            }
            Ok(RemoteState::Completed) => return self.enter(Phase::Exporting { remote_id, fetches: 0 }, None).await,
            Ok(RemoteState::Failed(reason)) => {
                let message = format!("the scan ended early at the scanner: {reason}");
                let failure = Failure { code: FailureCode::RemoteScanFailed, message };
                return self.look_again(failure, Asked::Reading).await;
            }
            Err(trouble) => return self.endure_reading(trouble).await,
        }
        self.in_phase.failures_in_a_row = 0;
        self.in_phase.contradictions = 0;
        if self.running.crashes > 0 || self.running.trouble.is_some() {
            self.store(Change::Progressed).await?;
        }
        let elapsed = Duration::try_from(clock::now().duration_since(self.running.started_at)).unwrap_or_default();
        self.pause(poll_interval(elapsed, self.limits.poll)).await
    }

    async fn status(&mut self, remote_id: &str) -> Result<RemoteState, Trouble> {
        let asked = self.backend.status(self.reach(Placeholders::default(), false), self.context(), remote_id);
        let status = self.judged("scanner.status", asked).await?;
        if status.next_state != self.running.plugin_state {
            // Only what the next call needs; losing it with the process would be a plugin's surprise.
            let change = Change::PluginState(status.next_state);
            if let Ok(running) = self.host.scans.update(&self.scan.id, self.running.fence, change).await {
                self.running = running;
            }
        }
        Ok(status.state)
    }

    /// Waits, unless the scan is to end.
    async fn pause(&self, time: Duration) -> Result<(), End> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.interrupt.cancelled() => Err(End::Interrupted),
        }
    }
}
