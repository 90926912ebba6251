//! `delete_scan`: removes a scan's record, findings and report.

use scanhost_app::{
    find,
    refusal::{ErrorCode, Refusal},
    scan_folder::{Removal, remove},
};
use scanhost_config::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// from run_…_scan or list_scans
    task_id: String,
    /// also when it is running: it is stopped first
    #[serde(default)]
    force: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    pub deleted: bool,
}

pub fn row() -> Row {
    let about = About {
        name: "delete_scan",
        title: "Delete a scan",
        description: "Removes a scan with its findings and its report from this server, for good. One \
            that waits is taken out of its queue; one that runs needs force: true and is stopped first. To end a scan and keep its record use cancel_scan. \
            Example: {\"task_id\": \"01K…\", \"force\": false}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        nature: Nature::Destroys,
        without: &[],
    };
    structured(about, |call, args: Args| async move {
        let id = find::parse(&args.task_id)?;
        match remove(&call.host, &id, args.force).await? {
            Removal::Done(trace) => Ok(Reply { task_id: id.to_string(), trace_id: trace.to_string(), deleted: true }),
            Removal::NotFound => Err(find::not_found(&id)),
            Removal::Running => Err(Refusal::new(
                ErrorCode::Conflict,
                "the scan is running",
                "Give force: true to stop and delete it, or cancel_scan it first.",
            )),
        }
    })
}
