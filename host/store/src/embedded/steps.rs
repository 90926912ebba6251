//! The transitions as steps on the tables. Each runs inside a write transaction and is durable with it, or not at all.

use jiff::Timestamp;
use redb::ReadableTable as _;
use scanhost_domain::{
    ids::{PoolName, TaskId},
    scan::{Failure, Fence, Finished, Outcome, Queued, Running, Scan, ScanState},
};

use super::{
    super::{AdoptedFrom, Cancelled, Change, Deleted, Leftover, NewScan, Submitted, record},
    remote,
    tables::{TableError, Tables, milliseconds},
};

/// Expired keys that one submit deletes, so that no submit deletes all.
const CLEARED_KEYS: usize = 4;

pub fn submit(tables: &mut Tables<'_>, new: &NewScan) -> Result<Submitted, TableError> {
    clear_expired_keys(tables, milliseconds(new.created_at))?;
    if let Some(idempotency) = &new.idempotency {
        let known = tables.idempotency.get(idempotency.key.as_str())?.map(|entry| {
            let (hash, id, expires) = entry.value();
            (hash, id.to_owned(), expires)
        });
        match known {
            Some((_, _, expires)) if expires <= milliseconds(new.created_at) => {
                forget_key(tables, expires, idempotency.key.as_str())?;
            }
            Some((hash, ..)) if hash != idempotency.request_hash => return Ok(Submitted::KeyTaken),
            Some((_, id, _)) => return first_scan(tables, &id).map(Submitted::Known),
            None => {}
        }
    }
    let depth = tables.depth(new.request.pool.as_str());
    if depth >= new.max_depth {
        return Ok(Submitted::Full { pool: new.request.pool.clone(), depth });
    }
    let scan = enqueue(tables, new)?;
    if let Some(idempotency) = &new.idempotency {
        let expires = milliseconds(idempotency.expires_at);
        let key = idempotency.key.as_str();
        tables.idempotency.insert(key, (idempotency.request_hash, scan.id.as_str(), expires))?;
        tables.expiry.insert((expires, key), ())?;
        tables.keyed.insert(scan.id.as_str(), [].as_slice())?;
    }
    Ok(Submitted::New { scan, position: depth + 1 })
}

/// Adds a new scan, which waits unless it goes on with a remote scan.
fn add(tables: &mut Tables<'_>, new: &NewScan) -> Result<Scan, TableError> {
    let Some(adoption) = &new.adopts else { return enqueue(tables, new) };
    let running = adoption.running(new.created_at).map_err(|_| record::BadRecord::Value("phase"))?;
    let scanner = &adoption.slot.scanner;
    let mut scan = queued(new, tables.next("sequence")?);
    scan.state = ScanState::Running(running);
    tables.running.insert(scan.id.as_str(), (scanner.pool.as_str(), scanner.instance.as_str()))?;
    tables.put(&scan)?;
    if let AdoptedFrom::Scanner = adoption.from {
        // Its mark at the scanner names another task.
        let leftover =
            Leftover { scanner: scanner.clone(), remote_id: adoption.remote_id.clone(), task: scan.id.clone() };
        remote::note_leftover(tables, &leftover)?;
    }
    Ok(scan)
}

/// Puts a new scan at the end of its pool's queue.
fn enqueue(tables: &mut Tables<'_>, new: &NewScan) -> Result<Scan, TableError> {
    let scan = queued(new, tables.next("sequence")?);
    tables.put(&scan)?;
    tables.enqueue(&scan)?;
    Ok(scan)
}

fn queued(new: &NewScan, sequence: u64) -> Scan {
    Scan {
        id: new.id.clone(),
        trace: new.trace.clone(),
        sequence,
        request: new.request.clone(),
        created_at: new.created_at,
        retry_of: new.retry_of.clone(),
        state: ScanState::Queued(Queued),
    }
}

/// Returns `None` if the scan no longer belongs to this worker.
pub fn update(
    tables: &mut Tables<'_>,
    id: &TaskId,
    fence: Fence,
    change: Change,
) -> Result<Option<Running>, TableError> {
    let Some((mut scan, running)) = owned(tables, id, fence)? else { return Ok(None) };
    let running = match change.apply(running) {
        Ok(running) => running,
        Err(refused) => {
            tracing::error!(scan = %id, trace = %scan.trace, %refused, "refused a step that is out of order");
            return Ok(None);
        }
    };
    scan.state = ScanState::Running(running.clone());
    tables.put(&scan)?;
    Ok(Some(running))
}

/// Returns `None` if the scan no longer belongs to this worker.
pub fn finish(
    tables: &mut Tables<'_>,
    id: &TaskId,
    fence: Fence,
    outcome: Outcome,
    progress: u8,
    now: Timestamp,
) -> Result<Option<Scan>, TableError> {
    let Some((scan, mut running)) = owned(tables, id, fence)? else { return Ok(None) };
    running.advance(progress);
    tables.running.remove(id.as_str())?;
    put_finished(tables, scan, running.finish(outcome, now)).map(Some)
}

pub fn cancel(tables: &mut Tables<'_>, id: &TaskId, now: Timestamp) -> Result<Cancelled, TableError> {
    let Some(mut scan) = tables.scan(id)? else { return Ok(Cancelled::NotFound) };
    match scan.state.clone() {
        ScanState::Queued(queued) => {
            tables.dequeue(&scan)?;
            put_finished(tables, scan, queued.cancel(now)).map(Cancelled::Ended)
        }
        ScanState::Running(running) => {
            scan.state = ScanState::Running(running.request_cancel());
            tables.put(&scan)?;
            Ok(Cancelled::Requested(scan))
        }
        ScanState::Finished(_) => Ok(Cancelled::Refused(scan)),
    }
}

/// Returns `None` if the scan does not wait any more.
pub fn fail_waiting(
    tables: &mut Tables<'_>,
    id: &TaskId,
    failure: Failure,
    now: Timestamp,
) -> Result<Option<Scan>, TableError> {
    let Some(scan) = tables.scan(id)? else { return Ok(None) };
    let ScanState::Queued(queued) = scan.state.clone() else { return Ok(None) };
    tables.dequeue(&scan)?;
    put_finished(tables, scan, queued.fail(failure, now)).map(Some)
}

pub fn delete(tables: &mut Tables<'_>, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, TableError> {
    let Some(mut scan) = tables.scan(id)? else { return Ok(Deleted::NotFound) };
    match scan.state.clone() {
        ScanState::Finished(finished) => {
            if let Outcome::Failed(_) = finished.outcome {
                tables.take_letter(scan.request.pool.as_str(), finished.completed_at, id)?;
            }
        }
        ScanState::Running(_) if !force => return Ok(Deleted::Running),
        ScanState::Queued(queued) => {
            tables.dequeue(&scan)?;
            scan = scan.finished(queued.cancel(now));
        }
        ScanState::Running(running) => {
            tables.running.remove(id.as_str())?;
            scan = scan.finished(running.finish(Outcome::Cancelled, now));
        }
    }
    tables.scans.remove(id.as_str())?;
    tables.forget_access(id)?;
    remote::note(tables, &scan)?;
    if tables.keyed.get(id.as_str())?.is_some() {
        tables.keyed.insert(id.as_str(), record::encode(&scan).as_slice())?;
    }
    Ok(Deleted::Done(Box::new(scan)))
}

pub fn pause(tables: &mut Tables<'_>, pool: &PoolName, paused: bool) -> Result<(), TableError> {
    if paused {
        tables.paused.insert(pool.as_str(), ())?;
    } else {
        tables.paused.remove(pool.as_str())?;
    }
    Ok(())
}

/// Stores a scan that goes on with a remote scan. The next claim takes it over as one that lost its worker.
pub fn adopt(tables: &mut Tables<'_>, new: &NewScan) -> Result<Option<Scan>, TableError> {
    if tables.scan(&new.id)?.is_some() {
        return Ok(None);
    }
    add(tables, new).map(Some)
}

/// Removes the letter and adds the new scan in one step, so that nothing is retried twice.
pub fn retry_dead_letter(tables: &mut Tables<'_>, new: &NewScan) -> Result<Option<Scan>, TableError> {
    let Some(letter) = &new.retry_of else { return Ok(None) };
    if purge_dead_letters(tables, std::slice::from_ref(letter))? == 0 {
        return Ok(None);
    }
    add(tables, new).map(Some)
}

pub fn purge_dead_letters(tables: &mut Tables<'_>, ids: &[TaskId]) -> Result<u64, TableError> {
    let mut purged = 0;
    for id in ids {
        let Some(scan) = tables.scan(id)? else { continue };
        let ScanState::Finished(finished) = &scan.state else { continue };
        let is_purged = tables.take_letter(scan.request.pool.as_str(), finished.completed_at, id)?;
        purged += u64::from(is_purged);
    }
    Ok(purged)
}

/// Binds the store to the first key, and says whether this is the key that it is bound to.
pub fn bind_key(tables: &mut Tables<'_>, fingerprint: u64) -> Result<bool, TableError> {
    let known = tables.meta.get("key")?.map(|known| known.value());
    match known {
        Some(known) => Ok(known == fingerprint),
        None => {
            tables.meta.insert("key", fingerprint)?;
            Ok(true)
        }
    }
}

fn owned(tables: &Tables<'_>, id: &TaskId, fence: Fence) -> Result<Option<(Scan, Running)>, TableError> {
    let Some(scan) = tables.scan(id)? else { return Ok(None) };
    match scan.state.clone() {
        ScanState::Running(running) if running.fence == fence => Ok(Some((scan, running))),
        ScanState::Queued(_) | ScanState::Running(_) | ScanState::Finished(_) => Ok(None),
    }
}

/// Stores the end of a scan. A failed scan becomes a dead letter in the same step.
fn put_finished(tables: &mut Tables<'_>, scan: Scan, finished: Finished) -> Result<Scan, TableError> {
    if let Outcome::Failed(_) = finished.outcome {
        tables.add_letter(scan.request.pool.as_str(), finished.completed_at, &scan.id)?;
    }
    tables.keep_from(&scan.id, &finished.outcome, finished.completed_at)?;
    let scan = scan.finished(finished);
    tables.put(&scan)?;
    Ok(scan)
}

/// Deletes a few expired keys. Each submit adds one at most, so they never pile up.
fn clear_expired_keys(tables: &mut Tables<'_>, now: i64) -> Result<(), TableError> {
    let mut expired = Vec::new();
    for entry in tables.expiry.range(..=(now, "\u{7f}"))?.take(CLEARED_KEYS) {
        let (expires, key) = entry.map(|(entry, _)| (entry.value().0, entry.value().1.to_owned()))?;
        expired.push((expires, key));
    }
    expired.iter().try_for_each(|(expires, key)| forget_key(tables, *expires, key))
}

fn forget_key(tables: &mut Tables<'_>, expires: i64, key: &str) -> Result<(), TableError> {
    tables.expiry.remove((expires, key))?;
    let id = tables.idempotency.remove(key)?.map(|entry| entry.value().1.to_owned());
    if let Some(id) = id {
        tables.keyed.remove(id.as_str())?;
    }
    Ok(())
}

/// The scan that a key stands for, which may have been deleted since.
fn first_scan(tables: &Tables<'_>, id: &str) -> Result<Scan, TableError> {
    let id: TaskId = id.parse().map_err(record::BadRecord::from)?;
    if let Some(scan) = tables.scan(&id)? {
        return Ok(scan);
    }
    let deleted = tables.keyed.get(id.as_str())?;
    let deleted = deleted.ok_or(record::BadRecord::Value("idempotency key: its scan does not exist"))?;
    Ok(record::decode(deleted.value())?)
}
