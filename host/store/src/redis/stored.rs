//! A scan as it is stored in Redis, and writing it back if nobody else has written it since.

use std::str::FromStr;

use redis::Cmd;
use scanhost_domain::{
    ids::{ScannerId, TaskId},
    scan::{Running, Scan, ScanState},
};

use super::{
    super::{
        StoreError,
        record::{self, BadRecord},
    },
    RedisStore,
    step::Step,
};

/// A scan as it was read.
pub struct Stored {
    pub scan: Scan,
    /// The revision, which grows with every write.
    pub revision: u64,
    /// The progress that its worker noted. It is kept apart from the record, so that noting it is cheap.
    pub progress: u8,
    /// Until when an idempotency key stands for it, in milliseconds since 1970 by the server's clock.
    pub keyed_until: Option<String>,
}

/// The fields of a scan's hash that a [`Stored`] is made of, whatever is in them.
pub type Fields = [Option<Vec<u8>>; 5];

impl Stored {
    /// Reads the fields; `None` if there is no such scan.
    pub fn from_fields(fields: Fields) -> Result<Option<Self>, BadRecord> {
        let [Some(record), Some(revision), Some(sequence), progress, keyed_until] = fields else { return Ok(None) };
        let mut scan = record::decode(&record)?;
        // The record was made before its sequence was known.
        scan.sequence = number(&sequence, "sequence")?;
        let revision = number(&revision, "revision")?;
        let progress = progress.map_or(Ok(0), |progress| number(&progress, "progress"))?;
        let keyed_until = keyed_until.map(|until| number::<u64>(&until, "expiry")).transpose()?;
        Ok(Some(Self { scan, revision, progress, keyed_until: keyed_until.map(|until| until.to_string()) }))
    }

    /// The scan as callers see it, with the progress that its worker has noted.
    pub fn shown(self) -> Scan {
        let mut scan = self.scan;
        if let ScanState::Running(running) = &mut scan.state {
            running.advance(self.progress);
        }
        scan
    }
}

impl RedisStore {
    pub(super) fn fields(&self, id: &TaskId) -> Cmd {
        let mut command = redis::cmd("HMGET");
        let fields = ["record", "revision", "sequence", "progress", "keyed_until"];
        command.arg(self.keys.scan(id)).arg(&fields);
        command
    }

    pub(super) async fn stored(&self, id: &TaskId) -> Result<Option<Stored>, StoreError> {
        let stored = Stored::from_fields(self.connection.query(&self.fields(id)).await?);
        Ok(stored.inspect_err(|error| self.unreadable.note(id, error))?)
    }

    /// The stored scan; `None` also if it cannot be read.
    pub(super) async fn readable(&self, id: &TaskId) -> Result<Option<Stored>, StoreError> {
        match self.stored(id).await {
            Err(StoreError::Damaged(_)) => Ok(None),
            other => other,
        }
    }

    /// The scans of these ids, without those that are gone or cannot be read.
    pub(super) async fn stored_all(&self, ids: &[TaskId]) -> Result<Vec<Stored>, StoreError> {
        let mut commands = redis::pipe();
        for id in ids {
            commands.add_command(self.fields(id));
        }
        let all: Vec<Fields> = self.connection.query_all(&commands).await?;
        let stored = |(id, fields)| self.unreadable.skip(id, Stored::from_fields(fields)).flatten();
        Ok(ids.iter().zip(all).filter_map(stored).collect())
    }

    /// A step that is carried out only if the scan is still as it was read.
    pub(super) fn unchanged(&self, stored: &Stored) -> Step {
        let key = self.keys.scan(&stored.scan.id);
        Step::default().check(&["HGET", &key, "revision"], &stored.revision.to_string())
    }

    /// Adds the write of this scan to the step.
    pub(super) fn put(&self, step: Step, stored: &Stored, scan: &Scan) -> Step {
        let (key, revision) = (self.keys.scan(&scan.id), (stored.revision + 1).to_string());
        step.write(&["HSET", &key, "record", &encode(scan), "revision", &revision]).write(&[
            "PUBLISH",
            &self.keys.events(),
            scan.id.as_str(),
        ])
    }

    /// Adds to the step that the scan runs in this state, under a lease that begins now.
    pub(super) fn put_running(&self, step: Step, stored: &Stored, running: &Running) -> Step {
        let scan = Scan { state: ScanState::Running(running.clone()), ..stored.scan.clone() };
        let (key, scanner) = (self.keys.scan(&scan.id), &running.slot.scanner);
        let (fence, id) = (running.fence.0.to_string(), scan.id.as_str());
        self.put(step, stored, &scan)
            .write(&["HSET", &key, "fence", &fence, "scanner", &scanner.to_string()])
            .write(&["LEASE", &self.keys.running(), id])
            .write(&["LEASE", &self.keys.lease(scanner), id])
    }

    /// Adds the end of the scan's lease to the step, which lets another scan start.
    pub(super) fn remove_lease(&self, step: Step, id: &TaskId, running: &Running) -> Step {
        step.write(&["ZREM", &self.keys.running(), id.as_str()])
            .write(&["ZREM", &self.keys.lease(&running.slot.scanner), id.as_str()])
            .write(&["PUBLISH", &self.keys.events(), ""])
    }

    /// Adds the removal of the scan from its queue to the step.
    pub(super) fn remove_from_queue(&self, step: Step, scan: &Scan) -> Step {
        let step = step.write(&["LREM", &self.keys.queue(&scan.request.pool), "1", scan.id.as_str()]);
        self.unpin(step, scan)
    }

    /// Adds to the step that a pinned scan does not wait for its scanner any more.
    pub(super) fn unpin(&self, step: Step, scan: &Scan) -> Step {
        let Some(instance) = scan.request.instance.clone() else { return step };
        let scanner = ScannerId { pool: scan.request.pool.clone(), instance };
        step.write(&["HINCRBY", &self.keys.pinned(), &scanner.to_string(), "-1"])
    }
}

fn number<T: FromStr>(text: &[u8], what: &'static str) -> Result<T, BadRecord> {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.parse().ok()).ok_or(BadRecord::Value(what))
}

pub fn encode(scan: &Scan) -> String {
    String::from_utf8(record::encode(scan)).expect("a record is JSON, which is UTF-8")
}
