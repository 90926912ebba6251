//! `list_pools`: the pools of scanners.

use scanhost_config::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub pools: Vec<PoolReply>,
    pub default_pool: String,
}

#[derive(Serialize, JsonSchema)]
pub struct PoolReply {
    /// what scanner_pool takes
    pub name: String,
    /// scans that wait
    pub queue_depth: u64,
    /// whether an operator has stopped new scans from starting
    pub paused: bool,
    /// instance ids
    pub scanners: Vec<String>,
}

pub fn row() -> Row {
    let about = About {
        name: "list_pools",
        title: "List pools",
        description: "Lists the pools of scanners with their queues, and which one is used by default. Use it to choose a \
            scanner_pool. Example: {}",
        toolset: Toolset::Scanners,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, Args {}| async move {
        let snapshot = call.host.snapshot.load_full();
        let mut pools = Vec::new();
        for pool in &snapshot.config.pools {
            let state = call.host.store.pool(&pool.name).await?;
            pools.push(PoolReply {
                name: pool.name.to_string(),
                queue_depth: state.queue_depth,
                paused: state.paused,
                scanners: pool.scanners.iter().map(|scanner| scanner.instance_id.to_string()).collect(),
            });
        }
        Ok(Reply { pools, default_pool: snapshot.config.default_pool.to_string() })
    })
}
