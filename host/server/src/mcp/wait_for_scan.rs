//! `wait_for_scan`: the status when the scan ends or the time is up. Whoever stops waiting stops nothing else.

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use scanhost_app::{
    find,
    scans::wait::{Args, Watcher, wait},
};
use scanhost_config::Scope;
use scanhost_domain::scan::{Scan, ScanState};

use super::{
    context::{permit_staying, takes_tasks},
    effect::Effect,
    hint,
    message::message,
    task,
    tool::{Row, ToolAnswer, ToolInfo, answering},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "wait_for_scan",
        title: "Wait for a scan",
        description: "Waits until the scan has ended, for at most timeout_seconds, and returns its status as \
            get_scan_status does; call it again while the status is queued or running. Use it instead of polling \
            get_scan_status. Clients that declare the tasks extension get a task instead, which ends with the scan. \
            That a scan has failed is a normal answer, not an error. Ending the wait does not end the scan: use \
            cancel_scan for that. Example: {\"task_id\": \"01K…\", \"timeout_seconds\": 50}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    answering(about, |call, args: Args| async move {
        let scan = find::scan(&call.host, &args.task_id).await?;
        if call.context.as_ref().is_some_and(takes_tasks) && args.timeout_seconds > 0 && !scan.is_finished() {
            return Ok(ToolAnswer::Task(task::of(&call.host, &scan)));
        }
        call.context.as_ref().map_or(Ok(()), permit_staying)?;
        call.turn.pass_on();
        let mut progress = Progress::new(call.context.as_ref());
        let (scan, reply) = wait(&call.host, &args, &mut progress, given_up(call.context.as_ref())).await?;
        Ok(ToolAnswer::With(reply, hint::after_status(&scan)))
    })
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
}

impl Watcher for Progress<'_> {
    async fn see(&mut self, scan: &Scan, position: Option<u64>) {
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
