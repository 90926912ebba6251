//! How a scan comes to run at its scanner: created, then launched, each once, however often it has to be tried.

use std::{sync::atomic::Ordering, time::Duration};

use scanhost_domain::{scan::Phase, target::Targets};
use scanhost_outbound::egress::Placeholders;
use scanhost_sandbox::{NewScan, RemoteScan, RemoteState, ScannerError};
use scanhost_system::pace::paced;

use super::{Driver, End, PhaseStep};
use crate::{trouble::Trouble, worker::credentials};

/// Between two looks at a scan whose launch may have been lost.
const SECOND_LOOK: Duration = Duration::from_secs(3);

impl Driver {
    pub(super) async fn create(&mut self) -> Result<(), End> {
        if self.may_have_happened() {
            // It may have been created before: look for it by its marker.
            let found =
                self.backend.find(self.reach(Placeholders::default(), false), self.context(), self.scan.id.as_str());
            match self.judged("scanner.find", found).await {
                Ok(Some(remote)) => return self.created(remote).await,
                Ok(None) => self.may_exist.store(false, Ordering::Relaxed),
                Err(trouble) => return self.endure_reading(trouble).await,
            }
        }
        self.in_phase.step = PhaseStep::MayHaveHappened;
        let mut placeholders = Placeholders::default();
        let credential = match credentials::open(&self.scan, &self.snapshot, &self.host.sealer) {
            Ok(credential) => credential.map(|credential| placeholders.hide(&credential)),
            Err(trouble) => return self.endure(trouble).await,
        };
        let targets = Targets::parse(&self.scan.request.targets);
        let targets = targets.map(|targets| targets.iter().map(ToString::to_string).collect());
        let scan = NewScan {
            task_id: self.scan.id.to_string(),
            name: self.scan.request.name.clone(),
            description: self.scan.request.description.clone().unwrap_or_default(),
            scan_type: self.scan.request.scan_type,
            targets: targets.unwrap_or_default(),
            credential,
        };
        let created = self.backend.create(self.sole_reach(placeholders), self.context(), scan);
        match self.judged("scanner.create", created).await {
            Ok(remote) => self.created(remote).await,
            Err(trouble) => self.endure(trouble).await,
        }
    }

    /// Whether the step of this phase may have been taken: by an earlier worker, or by the store that this one is a copy
    /// of, if the scan is older than the copy.
    fn may_have_happened(&self) -> bool {
        let is_in_copy = self.host.orphans.doubt().is_some_and(|doubt| self.scan.created_at <= doubt.since);
        self.in_phase.step != PhaseStep::Announced || is_in_copy
    }

    async fn created(&mut self, remote: RemoteScan) -> Result<(), End> {
        self.enter(Phase::Created { remote_id: remote.id }, Some(remote.state)).await
    }

    pub(super) async fn launch(&mut self, remote_id: String) -> Result<(), End> {
        if self.may_have_happened() {
            // It may have been launched before: ask, never launch blindly.
            match self.status(&remote_id).await {
                // A scanner may show a scan as new for a moment after its launch: only a second look tells.
                Ok(RemoteState::Created) if self.in_phase.step != PhaseStep::SeenUnlaunched => {
                    self.in_phase.step = PhaseStep::SeenUnlaunched;
                    return self.pause(paced(SECOND_LOOK)).await;
                }
                Ok(RemoteState::Created) => {}
                Ok(RemoteState::Running(_) | RemoteState::Completed | RemoteState::Failed(_)) => {
                    return self.enter(Phase::Launched { remote_id }, None).await;
                }
                Err(trouble) => return self.endure_reading(trouble).await,
            }
        }
        self.in_phase.step = PhaseStep::MayHaveHappened;
        let launch = async {
            let reach = self.sole_reach(Placeholders::default());
            match self.backend.launch(reach, self.context(), &remote_id).await? {
                Ok(state) => Ok(Ok(Some(state))),
                Err(ScannerError::AlreadyRunning) => Ok(Ok(None)),
                Err(error) => Ok(Err(error)),
            }
        };
        match self.judged("scanner.launch", launch).await {
            Ok(Some(state)) => self.enter(Phase::Launched { remote_id }, Some(state)).await,
            // Nearly always it runs, but it may be between two states: the next look at its status tells.
            Ok(None) => {
                self.endure(Trouble::transient("the scanner says that the scan is running already".into(), None)).await
            }
            Err(trouble) => self.endure(trouble).await,
        }
    }
}
