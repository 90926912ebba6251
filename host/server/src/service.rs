//! Notifies systemd that the host is ready, alive or stopping. Without systemd it does nothing.

use std::sync::Arc;

use scanhost_app::{host::Host, reload::ReloadNotice};
use scanhost_domain::error_chain::chain;
use sd_notify::NotifyState;

/// The number of watchdog notifications within the watchdog's timeout.
const NOTIFICATIONS_PER_TIMEOUT: u32 = 3;

pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Says that a reload has begun or ended, as a service of the type `notify-reload` does.
pub fn reload(notice: ReloadNotice) {
    match (notice, NotifyState::monotonic_usec_now()) {
        (ReloadNotice::Begun, Ok(now)) => notify(&[NotifyState::Reloading, now]),
        // Without the time systemd would not know which of two reloads this is about.
        (ReloadNotice::Begun, Err(_)) => {}
        (ReloadNotice::Ended, _) => ready(),
    }
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
