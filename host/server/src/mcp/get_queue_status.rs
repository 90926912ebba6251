//! `get_queue_status`: what waits in a pool.

use scanhost_app::snapshot::named::find_pool;
use scanhost_config::Scope;
use scanhost_system::clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// the default pool when left out
    #[serde(default)]
    scanner_pool: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub scanner_pool: String,
    pub queue_depth: u64,
    /// scans that failed, kept for the operator
    pub dead_letters: u64,
    /// how long the first one has waited; 0 when none waits
    pub oldest_wait_seconds: u64,
    /// the first that wait, in order
    pub next: Vec<WaitingReply>,
}

#[derive(Serialize, JsonSchema)]
pub struct WaitingReply {
    pub task_id: String,
    pub name: String,
}

pub fn row() -> Row {
    let about = About {
        name: "get_queue_status",
        title: "Queue of a pool",
        description: "Tells how many scans wait in a pool, for how long, and which come next. Use it when a scan stays \
            queued; for how busy the scanners are use get_pool_status. Example: {\"scanner_pool\": \"nessus\"}",
        toolset: Toolset::Queue,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move {
        let snapshot = call.host.snapshot.load_full();
        let pool = match &args.scanner_pool {
            Some(name) => find_pool(&snapshot, name)?,
            None => snapshot.config.default_pool.clone(),
        };
        let state = call.host.store.pool(&pool).await?;
        let waited = state.oldest_created_at.map(|created| clock::now().duration_since(created).as_secs());
        Ok(Reply {
            scanner_pool: pool.to_string(),
            queue_depth: state.queue_depth,
            dead_letters: state.dead_letters,
            oldest_wait_seconds: waited.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0),
            next: state
                .next
                .into_iter()
                .map(|waiting| WaitingReply { task_id: waiting.id.to_string(), name: waiting.name })
                .collect(),
        })
    })
}
