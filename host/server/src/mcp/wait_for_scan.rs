//! `wait_for_scan`: the status when the scan ends or the time is up. Whoever stops waiting stops nothing else.

use std::time::Duration;

use rmcp::{RoleServer, model::ProgressNotificationParam, service::RequestContext};
use scanhost_domain::scan::{Scan, ScanState};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    find,
    tool::{About, Nature, Row, structured},
    toolset::Toolset,
};
use crate::{config::Scope, reply::StatusReply};

/// Most clients give a call a minute.
const DEFAULT_SECONDS: u64 = 50;

/// Longer waits hold connections for nothing.
const MAX_SECONDS: u64 = 3_600;

/// Between two looks, for what changes without a wake-up.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// from run_…_scan or list_scans
    task_id: String,
    /// how long to wait, 0 to 3600
    #[serde(default = "default_seconds")]
    timeout_seconds: u64,
}

fn default_seconds() -> u64 {
    DEFAULT_SECONDS
}

pub fn row() -> Row {
    let about = About {
        name: "wait_for_scan",
        title: "Wait for a scan",
        description: "Waits until the scan has ended, at most timeout_seconds, and returns its status as \
            get_scan_status does; call it again while the status is queued or running. A scan that failed is a normal \
            answer. Ending the wait does not end the scan. Example: {\"task_id\": \"01K…\", \"timeout_seconds\": 50}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move {
        let id = find::parse(&args.task_id)?;
        let mut progress = Progress::new(call.context.as_ref());
        let end = tokio::time::sleep(Duration::from_secs(args.timeout_seconds.min(MAX_SECONDS)));
        tokio::pin!(end);
        let watch = call.host.store.watch(&id);
        loop {
            let changed = watch.changed();
            let scan = call.host.store.scan(&id).await?.ok_or_else(|| find::not_found(&id))?;
            if scan.is_finished() {
                return Ok(StatusReply::new(&scan, None));
            }
            progress.tell(&scan).await;
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = &mut end => {
                    let position = call.host.store.position(&scan).await?;
                    return Ok(StatusReply::new(&scan, position));
                }
                () = call.host.shutdown.cancelled() => {
                    let position = call.host.store.position(&scan).await?;
                    return Ok(StatusReply::new(&scan, position));
                }
            }
        }
    })
}

/// Tells the client how far the scan is, where it asked for that. What is told only ever grows.
struct Progress<'a> {
    context: Option<&'a RequestContext<RoleServer>>,
    told: Option<u8>,
}

impl<'a> Progress<'a> {
    fn new(context: Option<&'a RequestContext<RoleServer>>) -> Self {
        Self { context, told: None }
    }

    async fn tell(&mut self, scan: &Scan) {
        let Some(context) = self.context else { return };
        let Some(token) = context.meta.get_progress_token() else { return };
        let (percent, message) = match &scan.state {
            ScanState::Queued(_) => (0, "queued".to_owned()),
            ScanState::Running(running) => (running.progress, format!("running, {} %", running.progress)),
            ScanState::Finished(_) => return,
        };
        if self.told.is_some_and(|told| percent <= told) {
            return;
        }
        self.told = Some(percent);
        let progress =
            ProgressNotificationParam::new(token, f64::from(percent)).with_total(100.0).with_message(message);
        // A client that is gone is noticed by the transport.
        let _gone = context.peer.notify_progress(progress).await;
    }
}
