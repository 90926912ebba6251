//! Reads many scans at once: lists, queues, dead letters, expired scans.

use std::collections::BTreeMap;

use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Scan, ScanState},
};

use super::{
    super::{ConfiguredScanners, DeadLetter, ListQuery, Listed, PoolState, StoreError, Waiting, record::BadRecord},
    RedisStore, parse_ids, parse_scanner,
};

/// Records that are fetched in one call.
const BATCH: usize = 128;

/// Records that one list looks at, which bounds its time.
const LOOKED_AT: usize = 20_000;

/// Waiting scans that a pool's state lists.
const SHOWN_WAITING: usize = 10;

impl RedisStore {
    pub(super) async fn place(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        let ScanState::Queued(_) = scan.state else { return Ok(None) };
        let mut place = redis::cmd("LPOS");
        place.arg(self.keys.queue(&scan.request.pool)).arg(scan.id.as_str());
        let place: Option<u64> = self.connection.query(&place).await?;
        Ok(place.map(|ahead| ahead + 1))
    }

    pub(super) async fn list_scans(&self, query: &ListQuery) -> Result<Listed, StoreError> {
        let mut scans = Vec::new();
        let mut before = query.before.clone();
        for _ in 0..LOOKED_AT.div_ceil(BATCH) {
            let from = before.as_ref().map_or_else(|| "+".to_owned(), |before| format!("({before}"));
            let mut range = redis::cmd("ZRANGE");
            range.arg(self.keys.scans()).arg(from).arg("-").arg("BYLEX").arg("REV").arg("LIMIT").arg(0).arg(BATCH);
            let ids = parse_ids(self.connection.query(&range).await?)?;
            for stored in self.stored_all(&ids).await? {
                let scan = stored.shown();
                if !query.selects(&scan) {
                    continue;
                }
                if query.is_full(&scans) {
                    let next = scans.last().map(|scan: &Scan| scan.id.clone());
                    return Ok(Listed { scans, next });
                }
                scans.push(scan);
            }
            if ids.len() < BATCH {
                return Ok(Listed { scans, next: None });
            }
            before = ids.last().cloned();
        }
        Ok(Listed { scans, next: before })
    }

    pub(super) async fn pool_state(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("LLEN").arg(self.keys.queue(pool));
        commands.cmd("SISMEMBER").arg(self.keys.paused()).arg(pool.as_str());
        commands.cmd("ZCARD").arg(self.keys.dead(pool));
        let (queue_depth, paused, dead_letters) = self.connection.query_all(&commands).await?;
        let (first, _): (Vec<_>, Vec<_>) = self.waiting(pool, 0, SHOWN_WAITING).await?.into_iter().unzip();
        let waiting = self.stored_all(&first).await?;
        Ok(PoolState {
            queue_depth,
            paused,
            dead_letters,
            oldest_created_at: waiting.first().map(|stored| stored.scan.created_at),
            next: waiting.into_iter().map(|stored| waits(stored.scan)).collect(),
        })
    }

    /// How many scans each scanner drives.
    pub(super) async fn count_active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        let mut range = redis::cmd("ZRANGE");
        let ids = parse_ids(self.connection.query(range.arg(self.keys.running()).arg(0).arg(-1)).await?)?;
        let mut commands = redis::pipe();
        for id in &ids {
            commands.cmd("HGET").arg(self.keys.scan(id)).arg("scanner");
        }
        let scanners: Vec<Option<String>> = self.connection.query_all(&commands).await?;
        let mut counts = BTreeMap::new();
        // A scan without a scanner has ended between the two calls.
        for scanner in scanners.into_iter().flatten() {
            *counts.entry(parse_scanner(&scanner)?).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    pub(super) async fn list_dead(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        let pools = match pool {
            Some(pool) => vec![pool.clone()],
            None => self.known_pools().await?,
        };
        let mut commands = redis::pipe();
        for pool in &pools {
            commands.cmd("ZRANGE").arg(self.keys.dead(pool)).arg(0).arg(-1).arg("WITHSCORES");
        }
        let of_pools: Vec<Vec<(String, f64)>> = self.connection.query_all(&commands).await?;
        let mut letters = Vec::new();
        for (pool, of_pool) in pools.iter().zip(of_pools) {
            for (id, failed_at) in of_pool {
                let id = id.try_into().map_err(BadRecord::from)?;
                letters.push(DeadLetter { id, pool: pool.clone(), failed_at: time(failed_at)? });
            }
        }
        letters.sort_by_key(|letter| letter.failed_at);
        Ok(letters)
    }

    async fn known_pools(&self) -> Result<Vec<PoolName>, StoreError> {
        let mut members = redis::cmd("SMEMBERS");
        let names: Vec<String> = self.connection.query(members.arg(self.keys.pools())).await?;
        let pools: Result<Vec<PoolName>, _> = names.into_iter().map(PoolName::try_from).collect();
        let mut pools = pools.map_err(BadRecord::from)?;
        pools.sort();
        Ok(pools)
    }

    pub(super) async fn purge(&self, ids: &[TaskId]) -> Result<u64, StoreError> {
        let mut commands = redis::pipe();
        for stored in self.stored_all(ids).await? {
            commands.cmd("ZREM").arg(self.keys.dead(&stored.scan.request.pool)).arg(stored.scan.id.as_str());
        }
        let purged: Vec<u64> = self.connection.write_all(&commands).await?;
        Ok(purged.into_iter().sum())
    }

    pub(super) async fn list_expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut expired = Vec::new();
        for (key, before) in [(self.keys.access(), completed_before), (self.keys.access_of_failed(), failed_before)] {
            let left = limit - expired.len();
            if left == 0 {
                break;
            }
            let mut range = redis::cmd("ZRANGE");
            range.arg(key).arg("-inf").arg(format!("({}", before.as_millisecond())).arg("BYSCORE");
            range.arg("LIMIT").arg(0).arg(left);
            expired.extend(parse_ids(self.connection.query(&range).await?)?);
        }
        Ok(expired)
    }

    /// Scans that wait for a pool or a scanner that is not configured. A configured pool is read only if scans in it
    /// are pinned to a scanner that is not configured.
    pub(super) async fn list_stranded(
        &self,
        known: &ConfiguredScanners,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut pinned = redis::cmd("HGETALL");
        let pinned: Vec<(String, i64)> = self.connection.query(pinned.arg(self.keys.pinned())).await?;
        let mut stranded = Vec::new();
        for pool in self.known_pools().await? {
            let is_lost = |(scanner, count): &(String, i64)| {
                let scanner = parse_scanner(scanner);
                *count > 0 && scanner.is_ok_and(|id| id.pool == pool && !known.has(pool.as_str(), id.instance.as_str()))
            };
            if known.has_pool(pool.as_str()) && !pinned.iter().any(is_lost) {
                continue;
            }
            let mut from = 0;
            while stranded.len() < limit {
                let waiting = self.waiting(&pool, from, BATCH).await?;
                let is_last = waiting.len() < BATCH;
                from += waiting.len();
                let lost = waiting.into_iter().filter(|(_, instance)| !known.has(pool.as_str(), instance));
                stranded.extend(lost.map(|(id, _)| id));
                if is_last {
                    break;
                }
            }
        }
        stranded.truncate(limit);
        Ok(stranded)
    }
}

fn waits(scan: Scan) -> Waiting {
    Waiting { id: scan.id, name: scan.request.name }
}

/// The time of a score, which is milliseconds since 1970.
fn time(score: f64) -> Result<Timestamp, BadRecord> {
    #[expect(clippy::cast_possible_truncation, reason = "scores are whole numbers; one out of range is no time")]
    Timestamp::from_millisecond(score as i64).map_err(|_| BadRecord::Value("time"))
}
