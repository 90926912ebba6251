//! `get_pool_status`: how busy a pool is.

use scanhost_app::snapshot::named::find_pool;
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
    /// the default pool when left out
    #[serde(default)]
    scanner_pool: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub scanner_pool: String,
    /// scans that its enabled scanners run at once
    pub capacity: u32,
    pub active: u32,
    /// active in percent of capacity
    pub utilization_pct: f64,
    pub queue_depth: u64,
    pub paused: bool,
}

pub fn row() -> Row {
    let about = About {
        name: "get_pool_status",
        title: "Status of a pool",
        description: "Tells how many scans a pool can run at once, how many it runs, and how many wait. Use it to see \
            whether a scan will start soon; for the waiting scans themselves use get_queue_status. \
            Example: {\"scanner_pool\": \"nessus\"}",
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
        let active = call.host.store.active().await?;
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
    })
}
