//! Takes scans from the queue and drives each to its end. Every step is announced in the store before it is taken, so
//! that whoever comes after a crash knows how to go on; recovery is the same code.

mod credentials;
mod drive;
mod files;

use std::{sync::Arc, time::Duration};

use scanhost_domain::error_chain::chain;
use scanhost_outbound::lease::Lease;
use scanhost_system::clock;

use crate::host::Host;

/// Before looking at a store again that could not be used.
const PAUSE: Duration = Duration::from_secs(1);

/// Claims until shutdown. Scans under way are handed back then.
pub async fn run(host: Arc<Host>) {
    let mut generations = host.reloads.generations();
    while !host.shutdown.is_cancelled() {
        generations.mark_unchanged();
        if !host.store_watch.permits_claims() || host.leaving.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = host.shutdown.cancelled() => {}
            }
            continue;
        }
        let snapshot = host.snapshot.load_full();
        let offers = snapshot.offers(|scanner| {
            host.breakers.takes_scans(&scanner.id)
                && host.faults.remaining_quarantine(scanner.backend.digest()).is_none()
        });
        let asked_at = clock::since_boot();
        match host.scans.claim(&offers, clock::now()).await {
            Ok(Some(claimed)) => {
                let lease = Lease::new(host.scans.lease(), asked_at);
                host.tasks.spawn(drive::drive(host.clone(), claimed, lease, snapshot));
            }
            Ok(None) => tokio::select! {
                () = host.scans.wake() => {}
                // There may be another scanner for what waits.
                _ = generations.changed() => {}
                () = host.shutdown.cancelled() => {}
            },
            Err(error) => {
                tracing::error!(error = chain(&error), "cannot claim scans");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = host.shutdown.cancelled() => {}
                }
            }
        }
    }
}
