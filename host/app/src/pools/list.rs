//! The pools of scanners.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{host::Host, refusal::Refusal};

#[derive(Deserialize, JsonSchema)]
pub struct Args {}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub pools: Vec<PoolReply>,
    pub default_pool: String,
}

#[derive(Serialize, JsonSchema)]
pub struct PoolReply {
    /// value for scanner_pool
    pub name: String,
    /// queued scans
    pub queue_depth: u64,
    /// whether an operator has stopped new scans from starting
    pub paused: bool,
    /// instance ids
    pub scanners: Vec<String>,
}

/// Every pool, and which one is the default.
pub async fn list(host: &Host) -> Result<Reply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let mut pools = Vec::new();
    for pool in &snapshot.config.pools {
        let state = host.scans.pool(&pool.name).await?;
        pools.push(PoolReply {
            name: pool.name.to_string(),
            queue_depth: state.queue_depth,
            paused: state.paused,
            scanners: pool.scanners.iter().map(|scanner| scanner.instance_id.to_string()).collect(),
        });
    }
    Ok(Reply { pools, default_pool: snapshot.config.default_pool.to_string() })
}
