//! One scan from its claim to its end.

mod report;

use std::{sync::Arc, time::Duration};

use scanhost_domain::{
    ids::TaskId,
    scan::{Failure, FailureCode, Outcome, Phase, Running, Scan, ScanState},
    schedule::{Retry, retry},
    target::Targets,
};
use scanhost_sandbox::{Backend, CallContext, Fault, NewScan, RemoteScan, RemoteState, ScannerError, ScannerReach};

use super::{
    credentials,
    files::PluginLog,
    trouble::{Cure, Trouble},
};
use crate::{
    clock,
    config::Limits,
    egress::{Placeholders, ScannerClient},
    host::Host,
    record_file,
    snapshot::{Snapshot, poll_interval},
    store::{Change, Claimed, WorkError},
    telemetry::chain,
};

/// Takeovers of one scan, after which something other than bad luck is at work.
const MAX_RECOVERIES: u32 = 10;

/// Tries to stop a scan at its scanner, when it was cancelled or its time is up.
const STOP_ATTEMPTS: u32 = 5;

/// Why driving ends.
enum End {
    Outcome(Outcome),
    /// Another worker has it, or it was deleted.
    Stale,
    /// This host ends; the scan goes on with the next one.
    Shutdown,
}

impl From<WorkError> for End {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Stale => Self::Stale,
            WorkError::Store(error) => {
                tracing::error!(error = chain(&error), "a scan's step could not be stored");
                Self::Shutdown
            }
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Outcome(Outcome::Failed(failure))
    }
}

pub async fn drive(host: Arc<Host>, claimed: Claimed) {
    let (id, fence) = (claimed.scan.id.clone(), claimed.running.fence);
    let trace = claimed.scan.trace.clone();
    let outcome = match run(&host, claimed).await {
        End::Outcome(outcome) => outcome,
        End::Stale => {
            tracing::info!(scan = %id, %trace, "the scan has another worker or is gone, leaving it");
            host.store.release(&id, fence).await;
            return;
        }
        End::Shutdown => {
            host.store.release(&id, fence).await;
            return;
        }
    };
    let status = outcome.status();
    match host.store.finish(&id, fence, outcome, clock::now()).await {
        Ok(scan) => {
            tracing::info!(scan = %id, %trace, %status, "scan ended");
            record_file::write(&host, &scan);
        }
        Err(error) => {
            tracing::error!(scan = %id, %trace, error = chain(&error), "the scan's end could not be stored");
            host.store.release(&id, fence).await;
        }
    }
}

async fn run(host: &Arc<Host>, claimed: Claimed) -> End {
    let mut driver = match Driver::new(host, claimed) {
        Ok(driver) => driver,
        Err(end) => return end,
    };
    let id = driver.scan.id.clone();
    let limit = time_left(&driver.running, driver.limits.scan);
    let end = tokio::select! {
        end = driver.steps() => return end,
        () = tokio::time::sleep(limit) => Outcome::Timeout,
        () = cancelled(host, &id) => Outcome::Cancelled,
        () = host.shutdown.cancelled() => return End::Shutdown,
    };
    tokio::select! {
        () = driver.stop_remote() => End::Outcome(end),
        () = host.shutdown.cancelled() => End::Shutdown,
    }
}

fn time_left(running: &Running, limit: Duration) -> Duration {
    let spent = clock::now().duration_since(running.started_at);
    limit.saturating_sub(Duration::try_from(spent).unwrap_or_default())
}

/// Ready once somebody has asked for the scan to be cancelled.
async fn cancelled(host: &Host, id: &TaskId) {
    let watch = host.store.watch(id);
    loop {
        let changed = watch.changed();
        if let Ok(Some(Scan { state: ScanState::Running(running), .. })) = host.store.scan(id).await
            && running.cancel_requested
        {
            return;
        }
        changed.await;
    }
}

struct Driver {
    host: Arc<Host>,
    snapshot: Arc<Snapshot>,
    scan: Scan,
    running: Running,
    backend: Arc<Backend>,
    client: Arc<ScannerClient>,
    options: String,
    limits: Limits,
    failures_in_a_row: u32,
    /// Whether the phase's own step was announced in this very run, so that nothing of it can have happened yet.
    announced: bool,
}

impl Driver {
    fn new(host: &Arc<Host>, claimed: Claimed) -> Result<Self, End> {
        let Claimed { scan, running } = claimed;
        let snapshot = host.snapshot.load_full();
        let Some(scanner) = snapshot.scanner(&running.slot.scanner) else {
            let message = format!("the scanner {} is no longer configured", running.slot.scanner);
            return Err(Failure { code: FailureCode::Configuration, message }.into());
        };
        if running.recoveries > MAX_RECOVERIES {
            let message = format!("it was taken over {} times without getting on", running.recoveries);
            return Err(Failure { code: FailureCode::Poison, message }.into());
        }
        let (backend, client) = (scanner.backend.clone(), scanner.client.clone());
        if running.recoveries > 0 && running.phase != Phase::Claimed && !backend.description().resumable {
            let message = "its worker was lost, and its scanner cannot resume".to_owned();
            return Err(Failure { code: FailureCode::WorkerLost, message }.into());
        }
        Ok(Self {
            host: host.clone(),
            options: scanner.config.options.clone(),
            limits: snapshot.config.limits.clone(),
            snapshot,
            scan,
            running,
            backend,
            client,
            failures_in_a_row: 0,
            announced: false,
        })
    }

    async fn steps(&mut self) -> End {
        loop {
            let step = match self.running.phase.clone() {
                Phase::Claimed => self.enter(Phase::Creating, None).await,
                Phase::Creating => self.create().await,
                Phase::Created { remote_id } => self.enter(Phase::Launching { remote_id }, None).await,
                Phase::Launching { remote_id } => self.launch(remote_id).await,
                Phase::Launched { remote_id } => self.follow(remote_id).await,
                Phase::Exporting { remote_id, fetches } => self.export(remote_id, fetches).await,
                Phase::Ingesting { remote_id, fetches } => self.ingest(remote_id, fetches).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn enter(&mut self, phase: Phase, plugin_state: Option<Vec<u8>>) -> Result<(), End> {
        tracing::debug!(scan = %self.scan.id, trace = %self.scan.trace, phase = %phase.name(), "phase");
        self.store(Change { phase: Some(phase), plugin_state, retries: 0 }).await?;
        self.failures_in_a_row = 0;
        self.announced = true;
        Ok(())
    }

    async fn store(&mut self, change: Change) -> Result<(), End> {
        self.running = self.host.store.update(&self.scan.id, self.running.fence, change).await?;
        Ok(())
    }

    async fn create(&mut self) -> Result<(), End> {
        if !self.announced {
            // It may have been created before: look for it by its marker.
            let found =
                self.backend.find(self.reach(Placeholders::default(), false), self.context(), self.scan.id.as_str());
            match flatten(found.await) {
                Ok(Some(remote)) => return self.created(remote).await,
                Ok(None) => {}
                Err(trouble) => return self.endure(trouble).await,
            }
        }
        self.announced = false;
        let mut placeholders = Placeholders::default();
        let credential = match credentials::open(&self.scan, &self.snapshot, &self.host.sealer) {
            Ok(credential) => credential.map(|credential| placeholders.hide(&credential)),
            Err(trouble) => return self.endure(trouble).await,
        };
        let targets = Targets::parse(&self.scan.request.targets, u64::MAX);
        let targets = targets.map(|targets| targets.iter().map(ToString::to_string).collect());
        let scan = NewScan {
            task_id: self.scan.id.to_string(),
            name: self.scan.request.name.clone(),
            description: self.scan.request.description.clone().unwrap_or_default(),
            scan_type: self.scan.request.scan_type,
            targets: targets.unwrap_or_default(),
            credential,
        };
        match flatten(self.backend.create(self.reach(placeholders, false), self.context(), scan).await) {
            Ok(remote) => self.created(remote).await,
            Err(trouble) => self.endure(trouble).await,
        }
    }

    async fn created(&mut self, remote: RemoteScan) -> Result<(), End> {
        self.enter(Phase::Created { remote_id: remote.id }, Some(remote.state)).await
    }

    async fn launch(&mut self, remote_id: String) -> Result<(), End> {
        if !self.announced {
            // It may have been launched before: ask, never launch blindly.
            match self.status(&remote_id).await {
                Ok(RemoteState::Created) => {}
                Ok(RemoteState::Running(_) | RemoteState::Completed | RemoteState::Failed(_)) => {
                    return self.enter(Phase::Launched { remote_id }, None).await;
                }
                Err(trouble) => return self.endure(trouble).await,
            }
        }
        self.announced = false;
        let launched =
            self.backend.launch(self.reach(Placeholders::default(), false), self.context(), &remote_id).await;
        match launched {
            Ok(Ok(state)) => self.enter(Phase::Launched { remote_id }, Some(state)).await,
            Ok(Err(ScannerError::AlreadyRunning)) => self.enter(Phase::Launched { remote_id }, None).await,
            Ok(Err(error)) => self.endure(error.into()).await,
            Err(fault) => self.endure(fault.into()).await,
        }
    }

    /// Looks at the running scan until it has ended.
    async fn follow(&mut self, remote_id: String) -> Result<(), End> {
        match self.status(&remote_id).await {
            Ok(RemoteState::Created) => {}
            Ok(RemoteState::Running(percent)) => {
                // 100 is for a scan whose findings can be read.
                self.host.store.note_progress(&self.scan.id, self.running.fence, percent.min(99)).await;
            }
            Ok(RemoteState::Completed) => return self.enter(Phase::Exporting { remote_id, fetches: 0 }, None).await,
            Ok(RemoteState::Failed(reason)) => {
                let message = format!("the scan ended early at the scanner: {reason}");
                return Err(Failure { code: FailureCode::RemoteScanFailed, message }.into());
            }
            Err(trouble) => return self.endure(trouble).await,
        }
        self.failures_in_a_row = 0;
        let elapsed = Duration::try_from(clock::now().duration_since(self.running.started_at)).unwrap_or_default();
        tokio::time::sleep(poll_interval(elapsed, self.limits.poll)).await;
        Ok(())
    }

    async fn status(&mut self, remote_id: &str) -> Result<RemoteState, Trouble> {
        let asked = self.backend.status(self.reach(Placeholders::default(), false), self.context(), remote_id);
        let status = flatten(asked.await)?;
        if status.next_state != self.running.plugin_state {
            // Only what the next call needs; losing it with the process would be a plugin's surprise.
            let change = Change { plugin_state: Some(status.next_state), ..Change::default() };
            if let Ok(running) = self.host.store.update(&self.scan.id, self.running.fence, change).await {
                self.running = running;
            }
        }
        Ok(status.state)
    }

    /// Waits before the next try, or ends the scan where there is none.
    async fn endure(&mut self, trouble: Trouble) -> Result<(), End> {
        let Cure::Retry(after) = trouble.cure else { return Err(trouble.failure.into()) };
        let Retry::After(delay) = retry(self.failures_in_a_row, after, rand::random()) else {
            let message = format!("{} (given up after {} tries)", trouble.failure.message, self.failures_in_a_row + 1);
            return Err(Failure { message, ..trouble.failure }.into());
        };
        self.failures_in_a_row += 1;
        let message = &trouble.failure.message;
        tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, delay_ms = delay.as_millis() as u64, reason = message, "trying again");
        self.store(Change { retries: 1, ..Change::default() }).await?;
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// Best effort, within bounds: the scan ends here in any case.
    async fn stop_remote(&mut self) {
        for attempt in 0..STOP_ATTEMPTS {
            let Err(trouble) = self.try_stop().await else { return };
            let Cure::Retry(after) = trouble.cure else { return };
            let message = &trouble.failure.message;
            tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, message, "the scan could not be stopped at its scanner");
            if let Retry::After(delay) = retry(attempt, after, rand::random()) {
                tokio::time::sleep(delay).await;
            }
        }
    }

    async fn try_stop(&mut self) -> Result<(), Trouble> {
        let remote_id = match (self.running.phase.remote_id(), &self.running.phase) {
            (Some(remote_id), _) => Some(remote_id.to_owned()),
            (None, Phase::Claimed) => None,
            (None, _) => {
                let found = self.backend.find(
                    self.reach(Placeholders::default(), false),
                    self.context(),
                    self.scan.id.as_str(),
                );
                flatten(found.await)?.map(|remote| remote.id)
            }
        };
        let Some(remote_id) = remote_id else { return Ok(()) };
        let stopped = self.backend.stop(self.reach(Placeholders::default(), false), self.context(), &remote_id).await;
        flatten(stopped)
    }

    fn context(&self) -> CallContext {
        CallContext { now: clock::now(), options: self.options.clone(), state: self.running.plugin_state.clone() }
    }

    fn reach(&self, placeholders: Placeholders, may_download: bool) -> ScannerReach {
        let http = self.client.call(Some(self.scan.trace.clone()), placeholders, may_download);
        ScannerReach { http: Box::new(http), log: Box::new(self.log()) }
    }

    fn log(&self) -> PluginLog {
        PluginLog { plugin: self.backend.description().name.to_string(), trace: self.scan.trace.to_string() }
    }
}

fn flatten<T>(answer: Result<Result<T, ScannerError>, Fault>) -> Result<T, Trouble> {
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.into()),
        Err(fault) => Err(fault.into()),
    }
}
