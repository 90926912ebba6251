//! Deaths of earlier processes while they worked on the scan.

use std::sync::Arc;

use scanhost_domain::scan::{Failure, FailureCode, Running};
use scanhost_store::{Change, Claimed};

use super::{End, persist::persist};
use crate::{crash_mark::Suspicion, host::Host};

/// Deaths of a process while it worked on one scan, after which that scan is given up as what kills it.
const MAX_CRASHES: u32 = 10;

pub(super) fn suspicion(running: &Running) -> Suspicion {
    if running.crashes == 0 { Suspicion::Clear } else { Suspicion::Suspect }
}

/// Counts the death of the last worker's process against the scan, if that process worked on the scan when it died.
pub(super) async fn count_crash(host: &Arc<Host>, claimed: Claimed) -> Result<Claimed, End> {
    let Claimed { scan, running } = claimed;
    if !host.crash_marks.take_crash(&scan.id, running.fence) {
        return Ok(Claimed { scan, running });
    }
    let count = || host.scans.update(&scan.id, running.fence, Change::Crashed);
    let running = persist(host, &scan.trace, count).await?;
    tracing::warn!(scan = %scan.id, trace = %scan.trace, crashes = running.crashes, phase = %running.phase.name(), "the last process died while it worked on this scan");
    if running.crashes < MAX_CRASHES {
        return Ok(Claimed { scan, running });
    }
    let message = format!(
        "{} processes in a row died while they worked on this scan, in the phase {}; find out what kills them (`A poison \
         scan` in the runbook) before `scanhost dlq retry {}`",
        running.crashes,
        running.phase.name(),
        scan.id
    );
    Err(Failure { code: FailureCode::Poison, message }.into())
}
