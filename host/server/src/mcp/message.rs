//! The status of a scan in a few words, for people who wait.

use scanhost_domain::scan::{Scan, ScanState};
use scanhost_system::clock;

/// Returns the message, which has no text of a scanner. `position` is the scan's place in the queue, where it is known.
pub fn message(scan: &Scan, position: Option<u64>) -> String {
    match (&scan.state, position) {
        (ScanState::Queued(_), Some(position)) => format!("queued, place {position} in pool {}", scan.request.pool),
        (ScanState::Queued(_), None) => format!("queued in pool {}", scan.request.pool),
        (ScanState::Running(running), _) => {
            let seconds = clock::now().duration_since(running.started_at).as_secs().max(0);
            format!("running on {} for {seconds} s, {} %", running.slot.scanner, running.progress)
        }
        (ScanState::Finished(_), _) => format!("the scan has ended as {}", scan.status()),
    }
}
