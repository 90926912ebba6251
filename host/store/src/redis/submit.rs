//! New scans, and retries of dead letters.

use std::sync::LazyLock;

use jiff::Timestamp;
use redis::Script;
use scanhost_domain::{
    ids::TaskId,
    scan::{Queued, Scan, ScanState},
};

use super::{
    super::{
        Idempotency, NewScan, StoreError, Submitted,
        record::{self, BadRecord},
    },
    MAX_TRIES, RedisStore, contended,
    stored::encode,
};

static SUBMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("submit.lua")));

/// A depth that no queue reaches.
const NO_LIMIT: u64 = 1 << 52;

/// The answer of the script.
enum Answer {
    New {
        scan: Box<Scan>,
        position: u64,
    },
    Known(TaskId),
    Taken,
    Full {
        depth: u64,
    },
    /// There is no such dead letter.
    Gone,
}

impl RedisStore {
    pub(super) async fn submit_new(&self, new: &NewScan) -> Result<Submitted, StoreError> {
        for _ in 0..MAX_TRIES {
            return Ok(match self.enqueue(new, None).await? {
                Answer::New { scan, position } => Submitted::New { scan: *scan, position },
                Answer::Taken => Submitted::KeyTaken,
                Answer::Full { depth } => Submitted::Full { pool: new.request.pool.clone(), depth },
                Answer::Known(id) => match self.first_scan(&id).await? {
                    Some(scan) => Submitted::Known(scan),
                    // The key has expired since the script saw it.
                    None => continue,
                },
                Answer::Gone => return Err(BadRecord::Value("dead letter").into()),
            });
        }
        Err(contended())
    }

    pub(super) async fn known_key(
        &self,
        idempotency: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<Submitted>, StoreError> {
        let mut known = redis::cmd("HMGET");
        known.arg(self.keys.idempotency(&idempotency.key)).arg(&["hash", "id", "expires"]);
        let known: (Option<String>, Option<String>, Option<i64>) = self.connection.query(&known).await?;
        let (Some(hash), Some(id), Some(expires)) = known else { return Ok(None) };
        if expires <= now.as_millisecond() {
            return Ok(None);
        }
        if hash != hexadecimal(&idempotency.request_hash) {
            return Ok(Some(Submitted::KeyTaken));
        }
        let scan = self.first_scan(&id.parse().map_err(BadRecord::from)?).await?;
        Ok(scan.map(Submitted::Known))
    }

    pub(super) async fn retry(&self, new: &NewScan) -> Result<Option<Scan>, StoreError> {
        let Some(letter) = &new.retry_of else { return Ok(None) };
        let Some(failed) = self.stored(letter).await? else { return Ok(None) };
        if new.adopts.is_some() {
            return self.add_adopted(new, Some(&failed.scan)).await;
        }
        let new = NewScan { idempotency: None, max_depth: NO_LIMIT, ..new.clone() };
        Ok(match self.enqueue(&new, Some(&failed.scan)).await? {
            Answer::New { scan, .. } => Some(*scan),
            Answer::Known(_) | Answer::Taken | Answer::Full { .. } | Answer::Gone => None,
        })
    }

    async fn enqueue(&self, new: &NewScan, letter: Option<&Scan>) -> Result<Answer, StoreError> {
        let (keys, pool) = (&self.keys, &new.request.pool);
        let mut scan = Scan {
            id: new.id.clone(),
            trace: new.trace.clone(),
            sequence: 0,
            request: new.request.clone(),
            created_at: new.created_at,
            retry_of: new.retry_of.clone(),
            state: ScanState::Queued(Queued),
        };
        let idempotency = new.idempotency.as_ref();
        let mut script = SUBMIT.prepare_invoke();
        script
            .arg(keys.scan(&new.id))
            .arg(keys.queue(pool))
            .arg(keys.sequence())
            .arg(keys.scans())
            .arg(keys.pools())
            .arg(keys.pinned())
            .arg(idempotency.map_or_else(String::new, |idempotency| keys.idempotency(&idempotency.key)))
            .arg(letter.map_or_else(String::new, |letter| keys.dead(&letter.request.pool)))
            .arg(keys.events())
            .arg(new.id.as_str())
            .arg(pool.as_str())
            .arg(encode(&scan))
            .arg(new.request.instance.as_ref().map_or("", |instance| instance.as_str()))
            .arg(new.max_depth.min(NO_LIMIT))
            .arg(idempotency.map_or_else(String::new, |idempotency| hexadecimal(&idempotency.request_hash)))
            .arg(new.created_at.as_millisecond())
            .arg(idempotency.map_or(0, |idempotency| idempotency.expires_at.as_millisecond()))
            .arg(letter.map_or("", |letter| letter.id.as_str()));
        let (answer, first, second): (String, String, String) = self.connection.invoke(&script).await?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| BadRecord::Value("number"));
        Ok(match answer.as_str() {
            "new" => {
                scan.sequence = number(&second)?;
                Answer::New { scan: Box::new(scan), position: number(&first)? }
            }
            "known" => Answer::Known(first.parse().map_err(BadRecord::from)?),
            "taken" => Answer::Taken,
            "full" => Answer::Full { depth: number(&first)? },
            _ => Answer::Gone,
        })
    }

    /// The scan that a key stands for, which may have been deleted since.
    async fn first_scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        if let Some(stored) = self.stored(id).await? {
            return Ok(Some(stored.shown()));
        }
        let mut last = redis::cmd("GET");
        let last: Option<String> = self.connection.query(last.arg(self.keys.keyed(id))).await?;
        Ok(last.map(|record| record::decode(record.as_bytes())).transpose()?)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
