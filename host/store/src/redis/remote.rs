//! What deleted tasks left at the scanners, and scans that go on with a remote scan.

use std::collections::BTreeMap;

use scanhost_domain::{
    ids::ScannerId,
    scan::{Scan, ScanState},
};

use super::{
    super::{AdoptedFrom, Leftover, NewScan, StoreError, record::BadRecord},
    RedisStore,
    step::Step,
    stored::encode,
};

/// The field of a leftover. Neither a pool nor an instance has a `/` in its name.
pub fn field(scanner: &ScannerId, remote_id: &str) -> String {
    format!("{scanner}/{remote_id}")
}

impl RedisStore {
    pub(super) async fn list_leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        let all: BTreeMap<String, String> =
            self.connection.query(redis::cmd("HGETALL").arg(self.keys.leftovers())).await?;
        let leftover = |(field, task): (String, String)| -> Result<Leftover, BadRecord> {
            let mut parts = field.splitn(3, '/');
            let (Some(pool), Some(instance), Some(remote_id)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(BadRecord::Value("leftover"));
            };
            let scanner = ScannerId { pool: pool.parse()?, instance: instance.parse()? };
            Ok(Leftover { scanner, remote_id: remote_id.to_owned(), task: task.parse()? })
        };
        Ok(all.into_iter().map(leftover).collect::<Result<_, _>>()?)
    }

    /// Adds to the step that a deleted scan leaves its remote scan at its scanner, if it made one.
    pub(super) fn note_leftover(&self, step: Step, deleted: &Scan) -> Step {
        let ScanState::Finished(finished) = &deleted.state else { return step };
        let Some(run) = &finished.run else { return step };
        let Some(remote_id) = &run.remote_id else { return step };
        let field = field(&run.slot.scanner, remote_id);
        step.write(&["HSET", &self.keys.leftovers(), &field, deleted.id.as_str()])
    }

    /// Stores a scan that goes on with a remote scan, and removes the dead letter that it retries. The next claim takes
    /// it over as one whose lease has ended. Returns `None` if there is such a scan already, or no such letter.
    pub(super) async fn add_adopted(&self, new: &NewScan, letter: Option<&Scan>) -> Result<Option<Scan>, StoreError> {
        let adoption = new.adopts.as_ref().ok_or(BadRecord::Value("adoption"))?;
        let running = adoption.running(new.created_at).map_err(|_| BadRecord::Value("phase"))?;
        let mut next = redis::cmd("INCR");
        let sequence: u64 = self.connection.write(next.arg(self.keys.sequence())).await?;
        let (fence, scanner) = (running.fence.0.to_string(), adoption.slot.scanner.clone());
        let scan = Scan {
            id: new.id.clone(),
            trace: new.trace.clone(),
            sequence,
            request: new.request.clone(),
            created_at: new.created_at,
            retry_of: new.retry_of.clone(),
            state: ScanState::Running(running),
        };
        let (key, id, pool) = (self.keys.scan(&scan.id), scan.id.as_str(), scan.request.pool.as_str());
        let step = Step::default().check(&["EXISTS", &key], "0");
        let step = match letter {
            Some(letter) => step.check(&["ZREM", &self.keys.dead(&letter.request.pool), letter.id.as_str()], "1"),
            None => step,
        };
        let (revision, sequence) = ("1", sequence.to_string());
        let step = step
            .write(&["HSET", &key, "record", &encode(&scan), "revision", revision, "sequence", &sequence])
            .write(&["HSET", &key, "fence", &fence, "scanner", &scanner.to_string()])
            .write(&["ZADD", &self.keys.scans(), "0", id])
            .write(&["SADD", &self.keys.pools(), pool])
            .write(&["ZADD", &self.keys.running(), "0", id])
            .write(&["ZADD", &self.keys.lease(&scanner), "0", id])
            .write(&["PUBLISH", &self.keys.events(), ""]);
        let step = match adoption.from {
            // Its mark at the scanner names another task.
            AdoptedFrom::Scanner => {
                step.write(&["HSET", &self.keys.leftovers(), &field(&scanner, &adoption.remote_id), id])
            }
            AdoptedFrom::Report => step,
        };
        Ok(self.apply(&step).await?.then_some(scan))
    }
}
