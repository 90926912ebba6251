//! The store of many processes: a Redis (6.2 or newer) that they share.
//! A scan is read, its next state is decided here, and one script writes it with all that belongs to it, if nobody else
//! was faster. A worker holds a scan by a lease that it renews; all times of leases are Redis' own.

mod claim;
mod condition;
mod connection;
mod events;
mod keys;
mod lease;
mod reading;
mod remote;
mod report;
mod step;
mod stored;
mod submit;
mod transitions;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Failure, Fence, Outcome, Running, Scan},
};
use scanhost_system::{data_folder, installation::Installation};

use super::{
    Cancelled, Change, Claimed, Condition, ConfiguredScanners, DeadLetter, DeadLetters, Deleted, Idempotency, Leftover,
    ListQuery, Listed, NewScan, PoolOffer, PoolState, RemoteScans, ScannerReport, ScannerReports, Scans, Sessions,
    Settings, StoreError, Submitted, Trust, Watch, WorkError, record::BadRecord, unreadable::UnreadableRecords,
};
use connection::Connection;
use events::Events;
use keys::Keys;
use stored::Stored;

/// How long a lease lasts without a heartbeat: several intervals of heartbeats, and any pause of a busy machine.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a step is decided again because another writer was faster. Of concurrent writers one always succeeds, so
/// only a great number of them needs so many tries.
const MAX_TRIES: usize = 100;

pub struct RedisStore {
    connection: Connection,
    events: Arc<Events>,
    keys: Keys,
    lease: Duration,
    /// The installation that the store was bound to by this process.
    bound_to: OnceLock<String>,
    /// Scans as this process' workers wrote them, if no answer came. When the worker tries again, it sees whether the
    /// write was carried out.
    unconfirmed: Mutex<HashMap<TaskId, Scan>>,
    unreadable: UnreadableRecords,
}

impl RedisStore {
    /// Connects to the Redis of this URL. All keys begin with the prefix.
    pub async fn connect(url: &str, key_prefix: &str, lease: Duration) -> Result<Self, StoreError> {
        let keys = Keys::new(key_prefix);
        let events = Arc::new(Events::new(keys.events()));
        let connection = Connection::new(url, events.clone())?;
        let () = connection.query(&redis::cmd("PING")).await?;
        Ok(Self {
            connection,
            events,
            keys,
            lease,
            bound_to: OnceLock::new(),
            unconfirmed: Mutex::default(),
            unreadable: UnreadableRecords::default(),
        })
    }

    /// Binds the store to the secrets key. It fails if the store is bound to another key.
    pub async fn bind_key(&self, fingerprint: [u8; 8]) -> Result<(), StoreError> {
        let fingerprint = u64::from_le_bytes(fingerprint).to_string();
        let is_the_one = self.bind(&self.keys.key(), &fingerprint).await?;
        if is_the_one { Ok(()) } else { Err(StoreError::OtherKey) }
    }

    /// Binds the store to the data folder that its processes share. It fails if the store is bound to another folder.
    pub async fn bind_folder(&self, data: &Path, installation: &Installation) -> Result<(), StoreError> {
        let key = self.keys.installation();
        if self.bind(&key, installation.as_str()).await? {
            let _first = self.bound_to.set(installation.to_string());
            return Ok(());
        }
        Err(other_folder(data, key))
    }

    /// Checks that the store is bound to this folder and this key, or to none yet. It binds nothing.
    pub async fn check_binding(
        &self,
        data: &Path,
        installation: &Installation,
        fingerprint: [u8; 8],
    ) -> Result<(), StoreError> {
        let mut both = redis::cmd("MGET");
        let key = self.keys.installation();
        let known: (Option<String>, Option<String>) =
            self.connection.query(both.arg(&key).arg(self.keys.key())).await?;
        if known.0.is_some_and(|known| known != installation.as_str()) {
            return Err(other_folder(data, key));
        }
        let fingerprint = u64::from_le_bytes(fingerprint).to_string();
        if known.1.is_some_and(|known| known != fingerprint) { Err(StoreError::OtherKey) } else { Ok(()) }
    }

    /// Checks that a new data folder may be used with this store. It fails if the store is bound to another folder.
    pub async fn permit_new_folder(&self, data: &Path) -> Result<(), StoreError> {
        let key = self.keys.installation();
        let known: Option<String> = self.connection.query(redis::cmd("GET").arg(&key)).await?;
        if known.is_some() { Err(other_folder(data, key)) } else { Ok(()) }
    }

    /// Sets the key if it has no value yet, and says whether it now has this value.
    async fn bind(&self, key: &str, value: &str) -> Result<bool, StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("SETNX").arg(key).arg(value).ignore();
        commands.cmd("GET").arg(key);
        let (known,): (String,) = self.connection.write_all(&commands).await?;
        Ok(known == value)
    }

    fn lease_milliseconds(&self) -> u64 {
        u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX)
    }

    fn lock_unconfirmed(&self) -> MutexGuard<'_, HashMap<TaskId, Scan>> {
        self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn other_folder(data: &Path, key: String) -> StoreError {
    StoreError::OtherFolder { folder: data_folder::full_path(data).display().to_string(), key }
}

#[async_trait]
impl Scans for RedisStore {
    fn lease(&self) -> Option<Duration> {
        Some(self.lease)
    }

    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError> {
        self.submit_new(&new).await
    }

    async fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError> {
        self.known_key(idempotency, now).await
    }

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        Ok(self.stored(id).await?.map(Stored::shown))
    }

    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        self.place(scan).await
    }

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError> {
        self.list_scans(&query).await
    }

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        self.pool_state(pool).await
    }

    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        self.count_active().await
    }

    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        self.claim_next(offers, now).await
    }

    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError> {
        self.change(id, fence, &change).await?.ok_or(WorkError::Stale)
    }

    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8) {
        if let Err(error) = self.advance(id, fence, percent).await {
            tracing::debug!(scan = %id, %error, "progress was not noted");
        }
    }

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError> {
        self.end(id, fence, &outcome, now).await?.ok_or(WorkError::Stale)
    }

    async fn release(&self, id: &TaskId, fence: Fence) {
        self.lock_unconfirmed().remove(id);
        if let Err(error) = self.renew(id, fence, Duration::ZERO).await {
            tracing::warn!(scan = %id, %error, "a scan could not be given back; it is taken over when its lease ends");
        }
    }

    async fn heartbeat(&self, id: &TaskId, fence: Fence) -> Result<(), WorkError> {
        match self.renew(id, fence, self.lease).await? {
            true => Ok(()),
            false => Err(WorkError::Stale),
        }
    }

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError> {
        self.cancel_scan(id, now).await
    }

    async fn stranded(&self, known: ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        self.list_stranded(&known, limit).await
    }

    async fn fail_waiting(&self, id: &TaskId, failure: Failure, now: Timestamp) -> Result<Option<Scan>, StoreError> {
        self.fail_queued(id, &failure, now).await
    }

    async fn delete(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError> {
        self.delete_scan(id, force, now).await
    }

    async fn touch(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError> {
        let time = now.as_millisecond().to_string();
        let mut commands = redis::pipe();
        // XX changes only existing members, which are the scans that have ended.
        for key in [self.keys.access(), self.keys.access_of_failed()] {
            commands.cmd("ZADD").arg(key).arg("XX").arg("GT").arg(&time).arg(id.as_str()).ignore();
        }
        self.connection.write_all(&commands).await
    }

    async fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        self.list_expired(completed_before, failed_before, limit).await
    }

    fn watch(&self, id: &TaskId) -> Watch {
        self.events.watch(id)
    }

    async fn wake(&self) {
        self.events.wait_for_work().await;
    }
}

#[async_trait]
impl DeadLetters for RedisStore {
    async fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        self.list_dead(pool).await
    }

    async fn retry_dead_letter(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        self.retry(&new).await
    }

    async fn purge_dead_letters(&self, ids: &[TaskId]) -> Result<u64, StoreError> {
        self.purge(ids).await
    }
}

#[async_trait]
impl RemoteScans for RedisStore {
    async fn leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        self.list_leftovers().await
    }

    async fn forget_leftover(&self, leftover: &Leftover) -> Result<(), StoreError> {
        let field = remote::field(&leftover.scanner, &leftover.remote_id);
        self.connection.write(redis::cmd("HDEL").arg(self.keys.leftovers()).arg(field)).await
    }

    async fn trust(&self) -> Result<Option<Trust>, StoreError> {
        let trust: Option<Vec<u8>> = self.connection.query(redis::cmd("GET").arg(self.keys.trust())).await?;
        let trust = trust.map(|trust| serde_json::from_slice(&trust)).transpose();
        Ok(trust.map_err(|_| BadRecord::Value("trust"))?)
    }

    async fn set_trust(&self, trust: &Trust) -> Result<(), StoreError> {
        let json = serde_json::to_vec(trust).expect("trust is JSON");
        self.connection.write(redis::cmd("SET").arg(self.keys.trust()).arg(json)).await
    }

    async fn adopt(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        self.add_adopted(&new, None).await
    }
}

#[async_trait]
impl ScannerReports for RedisStore {
    async fn report_scanner(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError> {
        self.put_report(scanner, report).await
    }

    async fn scanner_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError> {
        self.list_reports().await
    }

    async fn take_probe(&self, scanner: &ScannerId, time: Duration) -> Result<bool, StoreError> {
        let mut set = redis::cmd("SET");
        set.arg(self.keys.probe(scanner)).arg(1).arg("NX").arg("PX");
        let set: Option<String> = self.connection.write(set.arg(time.as_millis().max(1).to_string())).await?;
        Ok(set.is_some())
    }
}

#[async_trait]
impl Sessions for RedisStore {
    async fn put_session(&self, id: &str, session: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
        let mut set = redis::cmd("SET");
        set.arg(self.keys.session(id)).arg(session).arg("PXAT").arg(expires_at.as_millisecond());
        self.connection.write(&set).await
    }

    async fn session(&self, id: &str, _now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        // The key expires by itself, by the server's clock.
        self.connection.query(redis::cmd("GET").arg(self.keys.session(id))).await
    }

    async fn delete_session(&self, id: &str) -> Result<(), StoreError> {
        self.connection.write(redis::cmd("DEL").arg(self.keys.session(id))).await
    }
}

#[async_trait]
impl Settings for RedisStore {
    async fn is_paused(&self, pool: &PoolName) -> Result<bool, StoreError> {
        let mut look = redis::cmd("SISMEMBER");
        self.connection.query(look.arg(self.keys.paused()).arg(pool.as_str())).await
    }

    async fn pause(&self, pool: &PoolName, paused: bool) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.cmd(if paused { "SADD" } else { "SREM" }).arg(self.keys.paused()).arg(pool.as_str()).ignore();
        commands.cmd("PUBLISH").arg(self.keys.events()).arg("").ignore();
        self.connection.write_all(&commands).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.connection.write(redis::cmd("SET").arg(self.keys.written()).arg(1)).await
    }

    async fn is_bound(&self) -> Result<bool, StoreError> {
        let Some(bound) = self.bound_to.get() else { return Ok(true) };
        let known: Option<String> = self.connection.query(redis::cmd("GET").arg(self.keys.installation())).await?;
        Ok(known.as_ref() == Some(bound))
    }

    async fn condition(&self) -> Result<Condition, StoreError> {
        self.read_condition().await
    }
}

fn contended() -> StoreError {
    StoreError::Unavailable("too many concurrent writes".to_owned())
}

fn parse_ids(ids: Vec<String>) -> Result<Vec<TaskId>, StoreError> {
    let ids: Result<Vec<TaskId>, _> = ids.into_iter().map(TaskId::try_from).collect();
    Ok(ids.map_err(BadRecord::from)?)
}

/// Parses the text form of a [`ScannerId`].
fn parse_scanner(text: &str) -> Result<ScannerId, BadRecord> {
    let (pool, instance) = text.split_once('/').ok_or(BadRecord::Value("scanner"))?;
    Ok(ScannerId { pool: pool.parse()?, instance: instance.parse()? })
}
