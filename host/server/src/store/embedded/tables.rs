//! The tables of the database, and reading them.

use std::sync::Arc;

use jiff::Timestamp;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Outcome, Scan, ScanState},
};

use super::super::{
    DeadLetter, ListQuery, Listed, PoolOffer, PoolState, StoreError, Waiting,
    record::{self, BadRecord},
};

/// Task id → record. Ids sort by time, so new ones go to the end.
const SCANS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("scans");
/// Pool and sequence → task id of a scan that waits.
const QUEUE: TableDefinition<'_, (&str, u64), &str> = TableDefinition::new("queue");
/// Task id of a running scan → pool and instance of its scanner.
const RUNNING: TableDefinition<'_, &str, (&str, &str)> = TableDefinition::new("running");
/// Key → hash of the request, task id, expiry in milliseconds since 1970.
const IDEMPOTENCY: TableDefinition<'_, &str, ([u8; 32], &str, i64)> = TableDefinition::new("idempotency");
/// Expiry in milliseconds since 1970 and key, so that expired keys are found first.
const EXPIRY: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("expiry");
/// Task id of a scan that a key stands for → its last record, once it was deleted; empty before.
const KEYED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keyed");
/// Pool, milliseconds since 1970 and task id of a scan that failed.
const DEAD: TableDefinition<'_, (&str, i64, &str), ()> = TableDefinition::new("dead");
/// Task id of an ended scan → when its results were last asked for, in milliseconds since 1970.
const ACCESS: TableDefinition<'_, &str, i64> = TableDefinition::new("access");
/// Pools that start nothing new.
const PAUSED: TableDefinition<'_, &str, ()> = TableDefinition::new("paused");
/// Session → expiry in milliseconds since 1970, and what it is gone on with.
pub const SESSIONS: TableDefinition<'_, &str, (i64, &[u8])> = TableDefinition::new("sessions");
/// Expiry and session, so that expired ones are found first.
const SESSION_EXPIRY: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("session_expiry");
/// Counters and single values.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// Waiting scans that a pool's state names.
const SHOWN_WAITING: usize = 10;

/// Why a step could not be applied. The whole group is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(transparent)]
    Database(#[from] redb::Error),
    #[error(transparent)]
    Record(#[from] BadRecord),
}

macro_rules! from_redb {
    ($($error:ty),*) => { $(impl From<$error> for TableError {
        fn from(error: $error) -> Self {
            Self::Database(error.into())
        }
    })* };
}
from_redb!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Database(error) => StoreError::Unavailable(error.to_string()),
            TableError::Record(error) => StoreError::Damaged(error),
        }
    }
}

/// Makes what is missing, so that readers find every table.
pub fn create(database: &Database) -> Result<(), StoreError> {
    let make = || -> Result<(), TableError> {
        let transaction = database.begin_write()?;
        drop(Tables::open(&transaction)?);
        Ok(transaction.commit()?)
    };
    Ok(make()?)
}

/// All tables in a write transaction.
pub struct Tables<'t> {
    pub scans: Table<'t, &'static str, &'static [u8]>,
    pub queue: Table<'t, (&'static str, u64), &'static str>,
    pub running: Table<'t, &'static str, (&'static str, &'static str)>,
    pub idempotency: Table<'t, &'static str, ([u8; 32], &'static str, i64)>,
    pub expiry: Table<'t, (i64, &'static str), ()>,
    pub keyed: Table<'t, &'static str, &'static [u8]>,
    pub dead: Table<'t, (&'static str, i64, &'static str), ()>,
    pub access: Table<'t, &'static str, i64>,
    pub paused: Table<'t, &'static str, ()>,
    pub sessions: Table<'t, &'static str, (i64, &'static [u8])>,
    pub session_expiry: Table<'t, (i64, &'static str), ()>,
    pub meta: Table<'t, &'static str, u64>,
}

impl<'t> Tables<'t> {
    pub fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            scans: transaction.open_table(SCANS)?,
            queue: transaction.open_table(QUEUE)?,
            running: transaction.open_table(RUNNING)?,
            idempotency: transaction.open_table(IDEMPOTENCY)?,
            expiry: transaction.open_table(EXPIRY)?,
            keyed: transaction.open_table(KEYED)?,
            dead: transaction.open_table(DEAD)?,
            access: transaction.open_table(ACCESS)?,
            paused: transaction.open_table(PAUSED)?,
            sessions: transaction.open_table(SESSIONS)?,
            session_expiry: transaction.open_table(SESSION_EXPIRY)?,
            meta: transaction.open_table(META)?,
        })
    }

    pub fn scan(&self, id: &TaskId) -> Result<Option<Scan>, TableError> {
        let record = self.scans.get(id.as_str())?;
        Ok(record.map(|record| record::decode(record.value())).transpose()?)
    }

    pub fn put(&mut self, scan: &Scan) -> Result<(), TableError> {
        self.scans.insert(scan.id.as_str(), record::encode(scan).as_slice())?;
        Ok(())
    }
}

/// Reads the last commit.
pub struct Reader(Arc<Database>);

impl Reader {
    pub fn new(database: Arc<Database>) -> Self {
        Self(database)
    }

    pub(super) fn begin(&self) -> Result<ReadTransaction, TableError> {
        Ok(self.0.begin_read()?)
    }

    pub fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(SCANS)?;
            let record = table.get(id.as_str())?;
            Ok(record.map(|record| record::decode(record.value())).transpose()?)
        };
        Ok(read()?)
    }

    pub fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        let ScanState::Queued(_) = scan.state else { return Ok(None) };
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(QUEUE)?;
            let pool = scan.request.pool.as_str();
            if table.get((pool, scan.sequence))?.is_none() {
                return Ok(None);
            }
            let ahead = table.range((pool, 0)..(pool, scan.sequence))?.count();
            Ok(Some(u64::try_from(ahead).unwrap_or(u64::MAX) + 1))
        };
        Ok(read()?)
    }

    pub fn list(&self, query: &ListQuery) -> Result<Listed, StoreError> {
        let read = || -> Result<_, TableError> {
            let table = self.begin()?.open_table(SCANS)?;
            let records = match &query.before {
                Some(before) => table.range(..before.as_str())?,
                None => table.range::<&str>(..)?,
            };
            let mut scans = Vec::new();
            for entry in records.rev() {
                let scan = record::decode(entry?.1.value())?;
                if !query.selects(&scan) {
                    continue;
                }
                if scans.len() == query.limit {
                    return Ok(Listed { scans, more: true });
                }
                scans.push(scan);
            }
            Ok(Listed { scans, more: false })
        };
        Ok(read()?)
    }

    pub fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        let read = || -> Result<_, TableError> {
            let transaction = self.begin()?;
            let (queue, scans) = (transaction.open_table(QUEUE)?, transaction.open_table(SCANS)?);
            let paused = transaction.open_table(PAUSED)?.get(pool.as_str())?.is_some();
            let mut state = PoolState { paused, ..PoolState::default() };
            for entry in queue.range((pool.as_str(), 0)..=(pool.as_str(), u64::MAX))? {
                state.queue_depth += 1;
                if state.next.len() == SHOWN_WAITING {
                    continue;
                }
                let record = scans.get(entry?.1.value())?;
                let Some(scan) = record.map(|record| record::decode(record.value())).transpose()? else { continue };
                state.oldest_created_at.get_or_insert(scan.created_at);
                state.next.push(Waiting { id: scan.id, name: scan.request.name });
            }
            let dead = transaction.open_table(DEAD)?;
            let dead = dead.range((pool.as_str(), i64::MIN, "")..=(pool.as_str(), i64::MAX, "~"))?;
            state.dead_letters = u64::try_from(dead.count()).unwrap_or(u64::MAX);
            Ok(state)
        };
        Ok(read()?)
    }

    /// Whether a claim may find something: a running scan that nobody drives, or a waiting one where there is room.
    pub fn has_work(&self, offers: &[PoolOffer], is_driven: impl Fn(&TaskId) -> bool) -> Result<bool, StoreError> {
        let read = || -> Result<_, TableError> {
            let transaction = self.begin()?;
            let running = transaction.open_table(RUNNING)?;
            for entry in running.iter()? {
                if !is_driven(&entry?.0.value().parse().map_err(BadRecord::from)?) {
                    return Ok(true);
                }
            }
            let active = count_by_scanner(running.iter()?)?;
            let (queue, paused) = (transaction.open_table(QUEUE)?, transaction.open_table(PAUSED)?);
            for offer in offers {
                if paused.get(offer.pool.as_str())?.is_some() {
                    continue;
                }
                let is_free = |scanner: &super::super::Offer| {
                    let busy = active.iter().find(|(id, _)| *id == scanner.slot.scanner).map_or(0, |(_, count)| *count);
                    busy < scanner.max_concurrent_scans
                };
                let pool = offer.pool.as_str();
                if offer.scanners.iter().any(is_free) && queue.range((pool, 0)..=(pool, u64::MAX))?.next().is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
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
            let transaction = self.begin()?;
            let (scans, access) = (transaction.open_table(SCANS)?, transaction.open_table(ACCESS)?);
            let mut expired = Vec::new();
            for entry in scans.iter()? {
                let scan = record::decode(entry?.1.value())?;
                let ScanState::Finished(finished) = &scan.state else { continue };
                let before = match finished.outcome {
                    Outcome::Completed(_) | Outcome::Cancelled => completed_before,
                    Outcome::Failed(_) | Outcome::Timeout => failed_before,
                };
                let accessed = access.get(scan.id.as_str())?.map_or(i64::MIN, |access| access.value());
                if milliseconds(finished.completed_at).max(accessed) < milliseconds(before) {
                    expired.push(scan.id);
                }
                if expired.len() == limit {
                    break;
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

type RunningEntry<'a> = Result<
    (redb::AccessGuard<'a, &'static str>, redb::AccessGuard<'a, (&'static str, &'static str)>),
    redb::StorageError,
>;

/// How many scans each scanner drives.
pub fn count_by_scanner<'a>(
    entries: impl Iterator<Item = RunningEntry<'a>>,
) -> Result<Vec<(ScannerId, u32)>, TableError> {
    let mut counts: Vec<(ScannerId, u32)> = Vec::new();
    for entry in entries {
        let (_, scanner) = entry?;
        let (pool, instance) = scanner.value();
        let scanner = ScannerId {
            pool: pool.parse().map_err(BadRecord::from)?,
            instance: instance.parse().map_err(BadRecord::from)?,
        };
        match counts.iter_mut().find(|(counted, _)| *counted == scanner) {
            Some((_, count)) => *count += 1,
            None => counts.push((scanner, 1)),
        }
    }
    Ok(counts)
}

/// For a dead letter's key.
pub fn milliseconds(time: Timestamp) -> i64 {
    time.as_millisecond()
}
