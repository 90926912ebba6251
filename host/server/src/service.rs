//! What the service manager is told: that the host is ready, that it lives, that it ends. Without systemd nobody is told.

use std::sync::Arc;

use scanhost_app::host::Host;
use scanhost_domain::error_chain::chain;
use sd_notify::NotifyState;

/// Signs of life in the time after which the manager takes the host for dead.
const SIGNS: u32 = 3;

pub fn ready() {
    tell(&[NotifyState::Ready]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the host lives, where the manager wants to hear it, until shutdown. A runtime that does nothing any more
/// does not say it either.
pub async fn live(host: Arc<Host>) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    while !host.shutdown.is_cancelled() {
        tell(&[NotifyState::Watchdog]);
        tokio::select! {
            () = tokio::time::sleep(patience / SIGNS) => {}
            () = host.shutdown.cancelled() => {}
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(error = chain(&error), "the service manager could not be told");
    }
}
