//! The tables of the database.

use jiff::Timestamp;
use redb::{Database, ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction};
use scanhost_domain::{
    ids::{ScannerId, TaskId},
    scan::{Outcome, Scan},
};
use scanhost_system::disk;

use super::{
    super::{
        StoreError,
        record::{self, BadRecord},
        unreadable::UnreadableRecords,
    },
    index::Index,
};

/// Task id → record. Ids sort by time, so new ones go to the end.
pub const SCANS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("scans");
/// Pool and sequence → task id of a waiting scan, and the instance that it is pinned to; empty if it is not pinned.
pub const QUEUE: TableDefinition<'_, (&str, u64), (&str, &str)> = TableDefinition::new("queue");
/// Task id of a running scan → pool and instance of its scanner.
pub const RUNNING: TableDefinition<'_, &str, (&str, &str)> = TableDefinition::new("running");
/// Key → hash of the request, task id, expiry in milliseconds since 1970.
pub const IDEMPOTENCY: TableDefinition<'_, &str, ([u8; 32], &str, i64)> = TableDefinition::new("idempotency");
/// Expiry in milliseconds since 1970 and key, so that expired keys are found first.
const EXPIRY: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("expiry");
/// Task id of a scan that a key stands for → its last record, once it was deleted; empty before.
pub const KEYED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keyed");
/// Pool, milliseconds since 1970 and task id of a scan that failed.
pub const DEAD: TableDefinition<'_, (&str, i64, &str), ()> = TableDefinition::new("dead");
/// Task id of an ended scan → how it ended, and when its results were last asked for in milliseconds since 1970.
pub const ACCESS: TableDefinition<'_, &str, (u8, i64)> = TableDefinition::new("access");
/// How a scan ended, when its results were last asked for in milliseconds since 1970, and its task id, so that results
/// that nobody asks for are found first.
pub const ENDED: TableDefinition<'_, (u8, i64, &str), ()> = TableDefinition::new("ended");
/// Pools that start nothing new.
pub const PAUSED: TableDefinition<'_, &str, ()> = TableDefinition::new("paused");
/// Session → expiry in milliseconds since 1970, and its content.
pub const SESSIONS: TableDefinition<'_, &str, (i64, &[u8])> = TableDefinition::new("sessions");
/// Expiry in milliseconds since 1970 and session, so that expired sessions are found first.
const SESSION_EXPIRY: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("session_expiry");
/// Pool, instance and remote id of a scan that a deleted task left at its scanner → task id.
pub const LEFTOVERS: TableDefinition<'_, (&str, &str, &str), &str> = TableDefinition::new("leftovers");
/// Name of a single value → the value as JSON.
pub const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
/// Counters and single numbers.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// How a scan has ended, as far as it matters for how long it is kept.
pub const ENDED_WELL: u8 = 0;
pub const ENDED_BADLY: u8 = 1;

pub fn kept_as(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Completed(_) | Outcome::Cancelled => ENDED_WELL,
        Outcome::Failed(_) | Outcome::Timeout => ENDED_BADLY,
    }
}

/// Why a step could not be applied. The whole group of writes is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(transparent)]
    Database(#[from] redb::Error),
    #[error(transparent)]
    Record(#[from] BadRecord),
    #[error("the database is being opened again")]
    Closed,
}

macro_rules! from_redb {
    ($($error:ty),*) => { $(impl From<$error> for TableError {
        fn from(error: $error) -> Self {
            Self::Database(error.into())
        }
    })* };
}
from_redb!(redb::DatabaseError, redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Database(redb::Error::Io(error)) if disk::is_full(&error) => StoreError::DiskFull,
            error @ (TableError::Database(_) | TableError::Closed) => StoreError::Unavailable(error.to_string()),
            TableError::Record(error) => StoreError::Damaged(error),
        }
    }
}

/// Creates missing tables, so that readers find every table.
pub fn create(database: &Database) -> Result<(), TableError> {
    let has_all = database.begin_read()?.list_tables()?.count() == TABLES;
    if has_all {
        // Opening the database must not need free space.
        return Ok(());
    }
    let transaction = database.begin_write()?;
    drop(Tables::open(&transaction, &Index::default(), &UnreadableRecords::default())?);
    Ok(transaction.commit()?)
}

/// Fills the index from the tables. After that each step updates it.
pub fn fill(index: &Index, database: &Database) -> Result<(), TableError> {
    index.clear();
    let transaction = database.begin_read()?;
    for entry in transaction.open_table(QUEUE)?.iter()? {
        let (key, _) = entry?;
        let (pool, sequence) = key.value();
        index.enqueue(pool, sequence);
    }
    for entry in transaction.open_table(DEAD)?.iter()? {
        index.add_letter(entry?.0.value().0);
    }
    Ok(())
}

/// The number of tables.
const TABLES: usize = 15;

/// All tables in a write transaction. Tables that the index counts are changed by methods only.
pub struct Tables<'t> {
    pub scans: Table<'t, &'static str, &'static [u8]>,
    queue: Table<'t, (&'static str, u64), (&'static str, &'static str)>,
    pub running: Table<'t, &'static str, (&'static str, &'static str)>,
    pub idempotency: Table<'t, &'static str, ([u8; 32], &'static str, i64)>,
    pub expiry: Table<'t, (i64, &'static str), ()>,
    pub keyed: Table<'t, &'static str, &'static [u8]>,
    dead: Table<'t, (&'static str, i64, &'static str), ()>,
    access: Table<'t, &'static str, (u8, i64)>,
    ended: Table<'t, (u8, i64, &'static str), ()>,
    pub paused: Table<'t, &'static str, ()>,
    pub sessions: Table<'t, &'static str, (i64, &'static [u8])>,
    pub session_expiry: Table<'t, (i64, &'static str), ()>,
    pub leftovers: Table<'t, (&'static str, &'static str, &'static str), &'static str>,
    pub values: Table<'t, &'static str, &'static [u8]>,
    pub meta: Table<'t, &'static str, u64>,
    index: Index,
    unreadable: UnreadableRecords,
}

impl<'t> Tables<'t> {
    pub fn open(
        transaction: &'t WriteTransaction,
        index: &Index,
        unreadable: &UnreadableRecords,
    ) -> Result<Self, TableError> {
        Ok(Self {
            scans: transaction.open_table(SCANS)?,
            queue: transaction.open_table(QUEUE)?,
            running: transaction.open_table(RUNNING)?,
            idempotency: transaction.open_table(IDEMPOTENCY)?,
            expiry: transaction.open_table(EXPIRY)?,
            keyed: transaction.open_table(KEYED)?,
            dead: transaction.open_table(DEAD)?,
            access: transaction.open_table(ACCESS)?,
            ended: transaction.open_table(ENDED)?,
            paused: transaction.open_table(PAUSED)?,
            sessions: transaction.open_table(SESSIONS)?,
            session_expiry: transaction.open_table(SESSION_EXPIRY)?,
            leftovers: transaction.open_table(LEFTOVERS)?,
            values: transaction.open_table(VALUES)?,
            meta: transaction.open_table(META)?,
            index: index.clone(),
            unreadable: unreadable.clone(),
        })
    }

    /// Raises a counter by one and returns its new value.
    pub fn next(&mut self, counter: &str) -> Result<u64, TableError> {
        let value = self.meta.get(counter)?.map_or(0, |value| value.value()) + 1;
        self.meta.insert(counter, value)?;
        Ok(value)
    }

    pub fn scan(&self, id: &TaskId) -> Result<Option<Scan>, TableError> {
        scan(&self.scans, &self.unreadable, id)
    }

    pub fn readable(&self, id: &TaskId) -> Result<Option<Scan>, TableError> {
        readable(&self.scans, &self.unreadable, id)
    }

    pub fn put(&mut self, scan: &Scan) -> Result<(), TableError> {
        self.scans.insert(scan.id.as_str(), record::encode(scan).as_slice())?;
        Ok(())
    }

    pub fn queue(&self) -> &impl redb::ReadableTable<(&'static str, u64), (&'static str, &'static str)> {
        &self.queue
    }

    /// Scans that wait in the pool.
    pub fn depth(&self, pool: &str) -> u64 {
        self.index.depth(pool)
    }

    pub fn enqueue(&mut self, scan: &Scan) -> Result<(), TableError> {
        let (pool, sequence) = (scan.request.pool.as_str(), scan.sequence);
        let instance = scan.request.instance.as_ref().map_or("", |instance| instance.as_str());
        self.queue.insert((pool, sequence), (scan.id.as_str(), instance))?;
        self.index.enqueue(pool, sequence);
        Ok(())
    }

    pub fn dequeue(&mut self, scan: &Scan) -> Result<(), TableError> {
        let (pool, sequence) = (scan.request.pool.as_str(), scan.sequence);
        self.queue.remove((pool, sequence))?;
        self.index.dequeue(pool, sequence);
        Ok(())
    }

    pub fn add_letter(&mut self, pool: &str, failed_at: Timestamp, id: &TaskId) -> Result<(), TableError> {
        if self.dead.insert((pool, milliseconds(failed_at), id.as_str()), ())?.is_none() {
            self.index.add_letter(pool);
        }
        Ok(())
    }

    /// Removes a dead letter, and says whether there was one.
    pub fn take_letter(&mut self, pool: &str, failed_at: Timestamp, id: &TaskId) -> Result<bool, TableError> {
        let was_there = self.dead.remove((pool, milliseconds(failed_at), id.as_str()))?.is_some();
        if was_there {
            self.index.take_letter(pool);
        }
        Ok(was_there)
    }

    /// Sets the time from which the retention of an ended scan counts.
    pub fn keep_from(&mut self, id: &TaskId, outcome: &Outcome, time: Timestamp) -> Result<(), TableError> {
        let (kind, time) = (kept_as(outcome), milliseconds(time));
        self.access.insert(id.as_str(), (kind, time))?;
        self.ended.insert((kind, time, id.as_str()), ())?;
        Ok(())
    }

    /// Lets the retention of an ended scan count from now on. A scan that has not ended stays as it is.
    pub fn touch(&mut self, id: &TaskId, time: Timestamp) -> Result<(), TableError> {
        let known = self.access.get(id.as_str())?.map(|known| known.value());
        let Some((kind, before)) = known.filter(|(_, before)| *before < milliseconds(time)) else { return Ok(()) };
        self.ended.remove((kind, before, id.as_str()))?;
        self.access.insert(id.as_str(), (kind, milliseconds(time)))?;
        self.ended.insert((kind, milliseconds(time), id.as_str()), ())?;
        Ok(())
    }

    pub fn forget_access(&mut self, id: &TaskId) -> Result<(), TableError> {
        let known = self.access.remove(id.as_str())?.map(|known| known.value());
        if let Some((kind, time)) = known {
            self.ended.remove((kind, time, id.as_str()))?;
        }
        Ok(())
    }
}

pub fn scan(
    scans: &impl ReadableTable<&'static str, &'static [u8]>,
    unreadable: &UnreadableRecords,
    id: &TaskId,
) -> Result<Option<Scan>, TableError> {
    let record = scans.get(id.as_str())?;
    let scan = record.map(|record| record::decode(record.value())).transpose();
    Ok(scan.inspect_err(|error| unreadable.note(id, error))?)
}

/// The scan as [`scan`] returns it, but `None` if it cannot be read: such a scan must not hold up the others.
pub fn readable(
    scans: &impl ReadableTable<&'static str, &'static [u8]>,
    unreadable: &UnreadableRecords,
    id: &TaskId,
) -> Result<Option<Scan>, TableError> {
    match scan(scans, unreadable, id) {
        Err(TableError::Record(_)) => Ok(None),
        other => other,
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

/// The time as a key of a table.
pub fn milliseconds(time: Timestamp) -> i64 {
    time.as_millisecond()
}
