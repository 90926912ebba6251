//! Looking at the store and at the clock, once before any work begins and then again and again.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use scanhost_domain::error_chain::chain;
use scanhost_system::clock::{self, Moment};

use crate::{host::Host, orphans::trust};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// How far the clock of a machine may be set without being noticed.
const MAX_JUMP: SignedDuration = SignedDuration::from_secs(60);

/// Looks at the store once.
pub async fn look(host: &Host) {
    match host.settings.is_bound().await {
        Ok(is_bound) => {
            if is_bound && host.store_watch.emptied().is_some() {
                // Another process may have begun on the empty store, and doubts it.
                trust::refresh(host).await;
            }
            host.store_watch.set_emptied(!is_bound);
        }
        // That the store is away is told by whoever needs it.
        Err(error) => tracing::debug!(error = chain(&error), "the store could not be asked whose it is"),
    }
    match host.settings.condition().await {
        Ok(condition) => {
            host.store_watch.set_risks(condition.risks);
            if let Some(ahead) = condition.clock_ahead {
                clock::follow(ahead);
                host.store_watch.set_clock(ahead);
            }
        }
        Err(error) => tracing::debug!(error = chain(&error), "the store could not be asked how it is"),
    }
}

/// Looks until shutdown.
pub async fn run(host: Arc<Host>) {
    let mut last = Moment::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = host.shutdown.cancelled() => return,
        }
        look(&host).await;
        let now = Moment::now();
        let jump = last.jump_until(now);
        if jump.abs() > MAX_JUMP {
            host.store_watch.note_jump(jump);
        }
        last = now;
    }
}
