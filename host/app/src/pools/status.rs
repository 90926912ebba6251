//! How busy a pool is.

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
    /// scans that its enabled scanners can run at once
    pub capacity: u32,
    pub active: u32,
    /// active in percent of capacity; over 100 while scans still run that began before the capacity was lowered
    pub utilization_pct: f64,
    pub queue_depth: u64,
    pub paused: bool,
}

/// The capacity of a pool and how much of it is in use.
pub async fn status(host: &Host, args: Args) -> Result<Reply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let pool = match &args.scanner_pool {
        Some(name) => find_pool(&snapshot, name)?,
        None => snapshot.config.default_pool.clone(),
    };
    let state = host.scans.pool(&pool).await?;
    let active = host.scans.active().await?;
    let active: u32 = active.iter().filter(|(id, _)| id.pool == pool).map(|(_, count)| *count).sum();
    let enabled = snapshot.scanners.iter().filter(|scanner| scanner.id.pool == pool && scanner.config.enabled);
    let capacity: u32 = enabled.map(|scanner| scanner.config.max_concurrent_scans).sum();
    let share = if capacity == 0 { 0.0 } else { f64::from(active) * 100.0 / f64::from(capacity) };
    Ok(Reply {
        scanner_pool: pool.to_string(),
        capacity,
        active,
        utilization_pct: (share * 10.0).round() / 10.0,
        queue_depth: state.queue_depth,
        paused: state.paused,
    })
}
