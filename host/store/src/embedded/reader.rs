//! Reads the last commit.

use std::sync::Arc;

use jiff::Timestamp;
use redb::{ReadTransaction, ReadableDatabase as _, ReadableTable as _};
use scanhost_domain::{
    ids::{IdempotencyKey, PoolName, ScannerId, TaskId},
    scan::{Scan, ScanState},
    schedule::choose_scanner,
};

use super::{
    super::{
        ConfiguredScanners, DeadLetter, Idempotency, ListQuery, Listed, PoolOffer, PoolState, StoreError, Submitted,
        Waiting,
        record::{self, BadRecord},
    },
    claim::{capacities, pinned},
    database::DatabaseFile,
    tables::{
        self, DEAD, ENDED, ENDED_BADLY, ENDED_WELL, IDEMPOTENCY, KEYED, PAUSED, QUEUE, RUNNING, SCANS, TableError,
        count_by_scanner, milliseconds,
    },
};

/// Waiting scans that a pool's state lists.
const SHOWN_WAITING: usize = 10;

/// Records that one list looks at, which bounds its time.
const LOOKED_AT: usize = 50_000;

#[derive(Clone)]
pub struct Reader(Arc<DatabaseFile>);

impl Reader {
    pub fn new(database: Arc<DatabaseFile>) -> Self {
        Self(database)
    }

    pub(super) fn begin(&self) -> Result<ReadTransaction, TableError> {
        Ok(self.0.present()?.begin_read()?)
    }

    pub fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(SCANS)?;
            tables::scan(&table, self.0.unreadable(), id)
        };
        Ok(read()?)
    }

    pub fn position(&self, scan: &Scan) -> Option<u64> {
        let ScanState::Queued(_) = scan.state else { return None };
        self.0.index().position(scan.request.pool.as_str(), scan.sequence)
    }

    pub fn list(&self, query: &ListQuery) -> Result<Listed, StoreError> {
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(SCANS)?;
            let records = match &query.before {
                Some(before) => table.range(..before.as_str())?,
                None => table.range::<&str>(..)?,
            };
            let (mut scans, mut last) = (Vec::new(), None);
            for (looked_at, entry) in records.rev().enumerate() {
                if looked_at == LOOKED_AT {
                    return Ok(Listed { scans, next: last });
                }
                let (key, record) = entry?;
                let id: TaskId = key.value().parse().map_err(BadRecord::from)?;
                let scan = self.0.unreadable().skip(&id, record::decode(record.value()));
                last = Some(id);
                let Some(scan) = scan.filter(|scan| query.selects(scan)) else { continue };
                if query.is_full(&scans) {
                    let next = scans.last().map(|scan: &Scan| scan.id.clone());
                    return Ok(Listed { scans, next });
                }
                scans.push(scan);
            }
            Ok(Listed { scans, next: None })
        };
        Ok(read()?)
    }

    pub fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        let read = || -> Result<_, TableError> {
            let transaction = self.begin()?;
            let (queue, scans) = (transaction.open_table(QUEUE)?, transaction.open_table(SCANS)?);
            let paused = transaction.open_table(PAUSED)?.get(pool.as_str())?.is_some();
            let index = self.0.index();
            let (queue_depth, dead_letters) = (index.depth(pool.as_str()), index.letters(pool.as_str()));
            let mut state = PoolState { queue_depth, dead_letters, paused, ..PoolState::default() };
            for entry in queue.range((pool.as_str(), 0)..=(pool.as_str(), u64::MAX))?.take(SHOWN_WAITING) {
                let id = entry?.1.value().0.parse().map_err(BadRecord::from)?;
                let Some(scan) = tables::readable(&scans, self.0.unreadable(), &id)? else { continue };
                state.oldest_created_at.get_or_insert(scan.created_at);
                state.next.push(Waiting { id: scan.id, name: scan.request.name });
            }
            Ok(state)
        };
        Ok(read()?)
    }

    pub fn is_paused(&self, pool: &PoolName) -> Result<bool, StoreError> {
        let read = || -> Result<_, TableError> {
            let paused = self.begin()?.open_table(PAUSED)?;
            Ok(paused.get(pool.as_str())?.is_some())
        };
        Ok(read()?)
    }

    /// Whether a claim would find something: a running scan that nobody drives, or a waiting scan for a free scanner.
    pub fn has_work(&self, offers: &[PoolOffer], is_driven: impl Fn(&TaskId) -> bool) -> Result<bool, StoreError> {
        let read = || -> Result<_, TableError> {
            let transaction = self.begin()?;
            let (running, scans) = (transaction.open_table(RUNNING)?, transaction.open_table(SCANS)?);
            let is_readable =
                |id: &TaskId| Ok::<_, TableError>(tables::readable(&scans, self.0.unreadable(), id)?.is_some());
            for entry in running.iter()? {
                let id = entry?.0.value().parse().map_err(BadRecord::from)?;
                if !is_driven(&id) && is_readable(&id)? {
                    return Ok(true);
                }
            }
            let active = count_by_scanner(running.iter()?)?;
            let (queue, paused) = (transaction.open_table(QUEUE)?, transaction.open_table(PAUSED)?);
            for offer in offers {
                let (pool, capacities) = (offer.pool.as_str(), capacities(offer, &active));
                if paused.get(pool)?.is_some() || choose_scanner(&capacities, None, offer.balance, 0).is_none() {
                    continue;
                }
                for entry in queue.range((pool, 0)..=(pool, u64::MAX))? {
                    let (_, value) = entry?;
                    let (id, instance) = value.value();
                    let is_free = choose_scanner(&capacities, pinned(instance)?.as_ref(), offer.balance, 0).is_some();
                    if is_free && is_readable(&id.parse().map_err(BadRecord::from)?)? {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        };
        Ok(read()?)
    }

    /// The answer to a submit with this key; `None` if the key is free.
    pub fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError> {
        let read = || -> Result<_, TableError> {
            let transaction = self.begin()?;
            let Some((hash, id)) = used(&transaction, &idempotency.key, now)? else { return Ok(None) };
            if hash != idempotency.request_hash {
                return Ok(Some(Submitted::KeyTaken));
            }
            let mut record = transaction.open_table(SCANS)?.get(id.as_str())?;
            if record.is_none() {
                // The scan was deleted since.
                record = transaction.open_table(KEYED)?.get(id.as_str())?;
            }
            let scan = record.map(|record| record::decode(record.value())).transpose()?;
            Ok(scan.map(Submitted::Known))
        };
        Ok(read()?)
    }

    /// Scans that wait for a pool or a scanner that is not configured.
    pub fn stranded(&self, known: &ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        let read = || -> Result<_, TableError> {
            let mut stranded = Vec::new();
            for entry in self.begin()?.open_table(QUEUE)?.iter()? {
                let (key, value) = entry?;
                let (pool, (id, instance)) = (key.value().0, value.value());
                if known.has(pool, instance) {
                    continue;
                }
                stranded.push(id.parse().map_err(BadRecord::from)?);
                if stranded.len() == limit {
                    break;
                }
            }
            Ok(stranded)
        };
        Ok(read()?)
    }

    pub fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(DEAD)?;
            let mut letters = Vec::new();
            for entry in table.iter()? {
                let (key, _) = entry?;
                let (in_pool, failed_at, id) = key.value();
                if pool.is_none_or(|pool| pool.as_str() == in_pool) {
                    letters.push(DeadLetter {
                        id: id.parse().map_err(BadRecord::from)?,
                        pool: in_pool.parse().map_err(BadRecord::from)?,
                        failed_at: Timestamp::from_millisecond(failed_at).map_err(|_| BadRecord::Value("time"))?,
                    });
                }
            }
            letters.sort_by_key(|letter| letter.failed_at);
            Ok(letters)
        };
        Ok(read()?)
    }

    pub fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        let read = || -> Result<_, TableError> {
            let ended = self.begin()?.open_table(ENDED)?;
            let mut expired = Vec::new();
            for (kind, before) in [(ENDED_WELL, completed_before), (ENDED_BADLY, failed_before)] {
                let past = ended.range((kind, i64::MIN, "")..(kind, milliseconds(before), ""))?;
                for entry in past.take(limit.saturating_sub(expired.len())) {
                    expired.push(entry?.0.value().2.parse().map_err(BadRecord::from)?);
                }
            }
            Ok(expired)
        };
        Ok(read()?)
    }

    pub fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(RUNNING)?;
            count_by_scanner(table.iter()?)
        };
        Ok(read()?)
    }
}

/// The hash of the request that the key stands for, and the id of its scan.
fn used(
    transaction: &ReadTransaction,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<Option<([u8; 32], String)>, TableError> {
    let table = transaction.open_table(IDEMPOTENCY)?;
    let entry = table.get(key.as_str())?;
    Ok(entry.and_then(|entry| {
        let (hash, id, expires) = entry.value();
        (expires > milliseconds(now)).then(|| (hash, id.to_owned()))
    }))
}
