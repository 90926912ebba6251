//! What a failed call means for the scan: trying again, waiting for the scanner, looking again, or the end.

use std::time::Duration;

use scanhost_domain::{
    scan::{Failure, FailureCode},
    schedule::{Retry, retry},
};
use scanhost_store::Change;
use scanhost_system::pace::paced;

use super::{Driver, End};
use crate::trouble::{Cure, Trouble};

/// Before a scanner that refuses the host's login is asked again by a scan. Its breaker holds the scan up for longer.
const LOGIN_PAUSE: Duration = Duration::from_secs(1);

/// Before an answer that contradicts what is known of a running scan is asked for again. After the last one it counts.
const SECOND_LOOKS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(20)];

/// What a call asked of the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It may be asked again without harm.
    Reading,
    Change,
}

impl Driver {
    /// Waits before the next try of a call that only reads, or ends the scan where there is none.
    pub(super) async fn endure_reading(&mut self, trouble: Trouble) -> Result<(), End> {
        self.endure_as(trouble, Asked::Reading).await
    }

    /// Waits before the next try of a call that changes something at the scanner, or ends the scan where there is none.
    pub(super) async fn endure(&mut self, trouble: Trouble) -> Result<(), End> {
        self.endure_as(trouble, Asked::Change).await
    }

    async fn endure_as(&mut self, trouble: Trouble, asked: Asked) -> Result<(), End> {
        if self.interrupt.is_cancelled() {
            tracing::info!(scan = %self.scan.id, trace = %self.scan.trace, reason = trouble.failure.message, "not tried again");
            return Err(End::Interrupted);
        }
        let after = match trouble.cure {
            Cure::Retry(after) => after,
            Cure::AwaitLogin => return self.await_login(trouble.failure.message).await,
            Cure::None | Cure::CheckLogin => return self.look_again(trouble.failure, asked).await,
        };
        let Retry::After(delay) = retry(self.in_phase.failures_in_a_row, after, rand::random()) else {
            let message =
                format!("{} (given up after {} tries)", trouble.failure.message, self.in_phase.failures_in_a_row + 1);
            return Err(Failure { message, ..trouble.failure }.into());
        };
        // A scanner that says how long is to be obeyed.
        let delay = if after.is_some() { delay } else { paced(delay) };
        self.in_phase.failures_in_a_row += 1;
        let (message, delay_ms) = (&trouble.failure.message, delay.as_millis() as u64);
        // Each reason once: the breaker of the scanner says when the scanner works again.
        if self.running.trouble.as_ref() == Some(message) {
            tracing::debug!(scan = %self.scan.id, trace = %self.scan.trace, delay_ms, reason = message, "trying again");
        } else {
            tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, delay_ms, reason = message, "trying again");
        }
        self.store(Change::Retry(trouble.failure.message)).await?;
        self.pause(delay).await
    }

    /// Waits for a scanner that refuses the host's login. This is no failure of the scan, which ends at its time limit
    /// at the latest.
    pub(super) async fn await_login(&mut self, reason: String) -> Result<(), End> {
        if self.running.trouble.as_ref() != Some(&reason) {
            tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, reason, "waiting until the scanner takes the host's login");
            self.store(Change::Retry(reason)).await?;
        }
        self.pause(paced(LOGIN_PAUSE)).await
    }

    /// Ends the scan with this failure, unless one stray answer among good ones may be behind it: a scan that runs at
    /// its scanner is asked about again first, some time later.
    pub(super) async fn look_again(&mut self, failure: Failure, asked: Asked) -> Result<(), End> {
        let looks = match (asked, failure.code) {
            (Asked::Change, _) | (_, FailureCode::Plugin) => 0,
            // The scanner's own word for a scan that it knows: a second look at it is enough.
            (Asked::Reading, FailureCode::RemoteScanFailed) => 1,
            (Asked::Reading, _) => SECOND_LOOKS.len(),
        };
        let Some(pause) = SECOND_LOOKS[..looks].get(self.in_phase.contradictions).copied() else {
            return Err(failure.into());
        };
        self.in_phase.contradictions += 1;
        tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, reason = failure.message, "looking again before this counts");
        self.store(Change::Retry(failure.message)).await?;
        self.pause(paced(pause)).await
    }
}
