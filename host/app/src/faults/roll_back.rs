//! Goes back to the last good version of a plugin whose new version fails again and again.

use std::{sync::Arc, time::Duration};

use scanhost_domain::quarantine::FAULTS;
use scanhost_system::clock;

use crate::{host::Host, plugins::Plugin, reload};

/// How long a version is new: what fails in this time is blamed on the swap.
const NEW: Duration = Duration::from_secs(3_600);

/// Goes back to the last good version wherever a new one has to be left alone, until shutdown.
pub async fn run(host: Arc<Host>) {
    loop {
        tokio::select! {
            () = host.faults.quarantine_begun() => {}
            () = host.shutdown.cancelled() => return,
        }
        let snapshot = host.snapshot.load_full();
        for plugin in snapshot.plugins.iter().filter(|plugin| host.faults.rest(plugin.digest()).is_some()) {
            if !is_new(&host, plugin) {
                continue;
            }
            let reason = format!("it failed {FAULTS} times in a row soon after it came into use");
            match reload::roll_back_from(&host, plugin, &reason).await {
                Ok(last_good) => {
                    tracing::warn!(plugin = plugin.name, sha256 = %last_good.digest(), "went back to the last good version");
                }
                Err(refusal) => {
                    tracing::warn!(
                        plugin = plugin.name,
                        reason = refusal.message,
                        "did not go back to another version"
                    );
                }
            }
        }
    }
}

fn is_new(host: &Host, plugin: &Plugin) -> bool {
    let ledger = host.kept.ledger().unwrap_or_default();
    let since = ledger.since(&plugin.name, &plugin.digest().to_string());
    since.is_some_and(|since| clock::now().duration_since(since) < NEW.try_into().unwrap_or(jiff::SignedDuration::MAX))
}
