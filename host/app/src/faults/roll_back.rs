//! Rolls a plugin back to its last good version if its new version fails repeatedly.

use std::{sync::Arc, time::Duration};

use scanhost_domain::quarantine::FAULTS;
use scanhost_system::clock;

use crate::{host::Host, plugins::Plugin, reload};

/// A version counts as new for this time after it came into use. If it fails while it is new, it is rolled back.
const NEW_FOR: Duration = Duration::from_secs(3_600);

/// Rolls back each new version that is quarantined, until shutdown.
pub async fn run(host: Arc<Host>) {
    loop {
        tokio::select! {
            () = host.faults.quarantine_begun() => {}
            () = host.shutdown.cancelled() => return,
        }
        let snapshot = host.snapshot.load_full();
        for plugin in
            snapshot.plugins.iter().filter(|plugin| host.faults.remaining_quarantine(plugin.digest()).is_some())
        {
            if !is_new(&host, plugin) {
                continue;
            }
            let reason = format!("it failed {FAULTS} times in a row soon after it came into use");
            match reload::roll_back_from(&host, plugin, &reason).await {
                Ok(last_good) => {
                    tracing::warn!(plugin = plugin.name, sha256 = %last_good.digest(), "the plugin was rolled back to its last good version");
                }
                Err(refusal) => {
                    tracing::warn!(plugin = plugin.name, reason = refusal.message, "the plugin was not rolled back");
                }
            }
        }
    }
}

fn is_new(host: &Host, plugin: &Plugin) -> bool {
    let ledger = host.plugin_archive.ledger().unwrap_or_default();
    let since = ledger.since(&plugin.name, &plugin.digest().to_string());
    since.is_some_and(|since| {
        clock::now().duration_since(since) < NEW_FOR.try_into().unwrap_or(jiff::SignedDuration::MAX)
    })
}
