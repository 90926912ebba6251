//! Pools that are no longer configured, as far as something is still stored under them.

use scanhost_domain::ids::PoolName;
use scanhost_store::ListQuery;

use crate::{host::Host, refusal::Refusal, snapshot::named::find_pool};

/// Finds the pool of that name: a configured one, or one that has stored scans or is paused. The error's hint names the
/// configured pools.
pub async fn find_stored_pool(host: &Host, asked: &str) -> Result<PoolName, Refusal> {
    let unknown = match find_pool(&host.snapshot.load(), asked) {
        Ok(pool) => return Ok(pool),
        Err(unknown) => unknown,
    };
    let Ok(pool) = asked.parse::<PoolName>() else { return Err(unknown) };
    let state = host.scans.pool(&pool).await?;
    if state.paused || state.queue_depth > 0 || state.dead_letters > 0 {
        return Ok(pool);
    }
    let listed = host.scans.list(ListQuery { pool: Some(pool.clone()), limit: 1, ..ListQuery::default() }).await?;
    // Where there are too many scans to look at all, it may be among the rest.
    if listed.scans.is_empty() && listed.next.is_none() { Err(unknown) } else { Ok(pool) }
}
