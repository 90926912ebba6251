//! The queue of a pool.

use scanhost_system::clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{host::Host, refusal::Refusal, snapshot::named::find_pool};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// the default pool when left out
    #[serde(default)]
    pub scanner_pool: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub scanner_pool: String,
    pub queue_depth: u64,
    /// failed scans kept for the operator
    pub dead_letters: u64,
    /// how long the first scan has waited; 0 if none is queued
    pub oldest_wait_seconds: u64,
    /// the first queued scans, in order
    pub next: Vec<WaitingReply>,
}

#[derive(Serialize, JsonSchema)]
pub struct WaitingReply {
    pub task_id: String,
    pub name: String,
}

/// How many scans wait in a pool, for how long, and which come next.
pub async fn queue(host: &Host, args: Args) -> Result<Reply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let pool = match &args.scanner_pool {
        Some(name) => find_pool(&snapshot, name)?,
        None => snapshot.config.default_pool.clone(),
    };
    let state = host.scans.pool(&pool).await?;
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
}
