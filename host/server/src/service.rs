//! Notifies systemd that the host is ready, alive or stopping. Without systemd it does nothing.

use std::sync::Arc;

use scanhost_app::host::Host;
use scanhost_domain::error_chain::chain;
use sd_notify::NotifyState;

/// The number of watchdog notifications within the watchdog's timeout.
const NOTIFICATIONS_PER_TIMEOUT: u32 = 3;

pub fn ready() {
    notify(&[NotifyState::Ready]);
}

pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Notifies the watchdog until shutdown, where systemd has one for the host. A runtime that hangs sends nothing.
pub async fn keep_alive(host: Arc<Host>) {
    let Some(timeout) = sd_notify::watchdog_enabled() else { return };
    while !host.shutdown.is_cancelled() {
        notify(&[NotifyState::Watchdog]);
        tokio::select! {
            () = tokio::time::sleep(timeout / NOTIFICATIONS_PER_TIMEOUT) => {}
            () = host.shutdown.cancelled() => {}
        }
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(error = chain(&error), "systemd could not be notified");
    }
}
