//! Files of the scan that could not be written, or that went into another folder.

use std::time::Duration;

use scanhost_domain::scan::{Failure, FailureCode, Phase};
use scanhost_system::pace::paced;

use super::{Driver, End};

/// Failures of this host's own files, in a folder that seems fine, after which the scan fails.
const MAX_FILE_FAILURES: u32 = 3;

/// Before a step that failed because of this host's files is tried again.
const FILE_PAUSE: Duration = Duration::from_secs(2);

impl Driver {
    /// Whether the findings of a scan that was just read are in its folder.
    pub(super) fn has_findings(&self) -> bool {
        scanhost_results::has_findings(&self.host.folder(&self.scan.id))
    }

    /// Gets the report once more, after its files were lost.
    pub(super) async fn export_again(&mut self) -> Result<(), End> {
        let Phase::Ingesting { remote_id, fetches } = self.running.phase.clone() else { return Ok(()) };
        tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, "the scan's files are not in the data folder; the report is fetched again");
        self.enter(Phase::Exporting { remote_id, fetches }, None).await
    }

    /// Repeats a step that failed because of this host's files, in case the data folder is back since.
    pub(super) async fn try_files_again(&mut self, failure: Failure) -> Result<(), End> {
        if failure.code != FailureCode::Host || self.in_phase.file_failures == MAX_FILE_FAILURES {
            return Err(failure.into());
        }
        self.in_phase.file_failures += 1;
        self.pause(paced(FILE_PAUSE)).await
    }
}
