//! Waiting for the end of a scan. Whoever stops waiting stops nothing else.

use std::{pin::pin, sync::Arc, time::Duration};

use scanhost_domain::scan::Scan;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{find, host::Host, refusal::Refusal, reply::StatusReply};

/// Most clients give a call a minute.
const DEFAULT_SECONDS: u64 = 50;

/// Longer waits hold connections for nothing.
const MAX_SECONDS: u64 = 3_600;

/// The time between two checks, for changes that come without a wake-up.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// id of the scan, from run_…_scan or list_scans
    pub task_id: String,
    /// how long to wait, 0 to 3600
    #[serde(default = "default_seconds")]
    pub timeout_seconds: u64,
}

fn default_seconds() -> u64 {
    DEFAULT_SECONDS
}

/// Sees a scan while somebody waits for its end.
pub trait Watcher: Send {
    /// `position` is the scan's place in the queue, from 1, while it is queued.
    fn see(&mut self, scan: &Scan, position: Option<u64>) -> impl Future<Output = ()> + Send;
}

/// For callers that only want the end.
pub struct NoWatcher;

impl Watcher for NoWatcher {
    async fn see(&mut self, _: &Scan, _: Option<u64>) {}
}

/// The scan and its status once it has ended, the time is up, `given_up` is ready, or this process ends. `watcher` sees
/// the scan and its place in the queue at the start and after each change.
pub async fn wait(
    host: &Arc<Host>,
    args: &Args,
    watcher: &mut impl Watcher,
    given_up: impl Future<Output = ()>,
) -> Result<(Scan, StatusReply), Refusal> {
    let id = find::parse(&args.task_id)?;
    let mut end = pin!(tokio::time::sleep(Duration::from_secs(args.timeout_seconds.min(MAX_SECONDS))));
    let mut given_up = pin!(given_up);
    let watch = host.scans.watch(&id);
    loop {
        let changed = watch.changed();
        let scan = host.scans.scan(&id).await?.ok_or_else(|| find::not_found(&id))?;
        let position = host.scans.position(&scan).await?;
        let reply = |scan: Scan| {
            let reply = StatusReply::new(&scan, position);
            Ok((scan, reply))
        };
        if scan.is_finished() || host.shutdown.is_cancelled() {
            return reply(scan);
        }
        watcher.see(&scan, position).await;
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = host.shutdown.cancelled() => {}
            () = &mut end => return reply(scan),
            () = &mut given_up => {
                tracing::debug!(scan = %id, "nobody waits for the scan any more");
                return reply(scan);
            }
        }
    }
}
