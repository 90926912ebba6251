//! `wait_for_scan`: the status when the scan ends or the time is up. Whoever stops waiting stops nothing else.

use std::time::Duration;

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use scanhost_app::{find, reply::StatusReply};
use scanhost_config::Scope;
use scanhost_domain::scan::{Scan, ScanState};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    context::{permit_staying, takes_tasks},
    hint,
    message::message,
    nature::Nature,
    task,
    tool::{About, Answer, Row, answering},
    toolset::Toolset,
};

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
            get_scan_status does; call it again while the status is queued or running. Clients that declare the tasks \
            extension get a task instead, which ends with the scan. Use it rather than asking get_scan_status again \
            and again. A scan that failed is a normal answer. Ending the wait does not end the scan: that is \
            cancel_scan. Example: {\"task_id\": \"01K…\", \"timeout_seconds\": 50}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    answering(about, |call, args: Args| async move {
        let id = find::parse(&args.task_id)?;
        let mut scan = find::scan(&call.host, &args.task_id).await?;
        if call.context.as_ref().is_some_and(takes_tasks) && args.timeout_seconds > 0 && !scan.is_finished() {
            return Ok(Answer::Task(task::of(&call.host, &scan)));
        }
        call.context.as_ref().map_or(Ok(()), permit_staying)?;
        call.turn.pass_on();
        let mut progress = Progress::new(call.context.as_ref());
        let end = tokio::time::sleep(Duration::from_secs(args.timeout_seconds.min(MAX_SECONDS)));
        tokio::pin!(end);
        let watch = call.host.store.watch(&id);
        loop {
            let changed = watch.changed();
            scan = call.host.store.scan(&id).await?.ok_or_else(|| find::not_found(&id))?;
            let position = call.host.store.position(&scan).await?;
            if scan.is_finished() || call.host.shutdown.is_cancelled() {
                return Ok(status(&scan, position));
            }
            progress.tell(&scan, position).await;
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = call.host.shutdown.cancelled() => {}
                () = &mut end => return Ok(status(&scan, position)),
                () = given_up(call.context.as_ref()) => {
                    tracing::debug!(scan = %id, "nobody waits for the scan any more");
                    return Ok(status(&scan, position));
                }
            }
        }
    })
}

fn status(scan: &Scan, position: Option<u64>) -> Answer<StatusReply> {
    Answer::With(StatusReply::new(scan, position), hint::after_status(scan))
}

/// Ready once the client has cancelled the request or closed its stream. The scan goes on.
async fn given_up(context: Option<&RequestContext<RoleServer>>) {
    match context {
        Some(context) => context.ct.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Tells the client where the scan stands, where it asked for that. What is told only ever grows.
struct Progress<'a> {
    client: Option<(&'a RequestContext<RoleServer>, ProgressToken)>,
    told: Option<f64>,
}

impl<'a> Progress<'a> {
    fn new(context: Option<&'a RequestContext<RoleServer>>) -> Self {
        let client = context.and_then(|context| Some((context, context.meta.get_progress_token()?)));
        Self { client, told: None }
    }

    async fn tell(&mut self, scan: &Scan, position: Option<u64>) {
        let Some((context, token)) = &self.client else { return };
        let percent = match &scan.state {
            ScanState::Queued(_) => 0.0,
            ScanState::Running(running) => f64::from(running.progress),
            ScanState::Finished(_) => return,
        };
        let progress = match self.told {
            // A sign of life in between stays below the next percent, however many there are.
            Some(told) if percent <= told => told + (told.floor() + 1.0 - told) / 50.0,
            Some(_) | None => percent,
        };
        self.told = Some(progress);
        let progress = ProgressNotificationParam::new(token.clone(), progress).with_total(100.0);
        // A client that is gone is noticed by the transport.
        let _gone = context.peer.notify_progress(progress.with_message(message(scan, position))).await;
    }
}
