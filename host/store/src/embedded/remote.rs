//! What deleted tasks left at the scanners, and whether the store is trusted to clean it up.

use redb::ReadableTable as _;
use scanhost_domain::{
    ids::ScannerId,
    scan::{Scan, ScanState},
};

use super::{
    super::{Leftover, StoreError, Trust, record::BadRecord},
    reader::Reader,
    tables::{LEFTOVERS, TableError, Tables, VALUES},
};

const TRUST: &str = "trust";

/// Notes the remote scan that a deleted scan leaves at its scanner, if it made one.
pub fn note(tables: &mut Tables<'_>, deleted: &Scan) -> Result<(), TableError> {
    let ScanState::Finished(finished) = &deleted.state else { return Ok(()) };
    let Some(run) = &finished.run else { return Ok(()) };
    let Some(remote_id) = &run.remote_id else { return Ok(()) };
    let (scanner, remote_id, task) = (run.slot.scanner.clone(), remote_id.clone(), deleted.id.clone());
    note_leftover(tables, &Leftover { scanner, remote_id, task })
}

/// Notes which task owns a remote scan, in place of what was noted before.
pub fn note_leftover(tables: &mut Tables<'_>, leftover: &Leftover) -> Result<(), TableError> {
    let scanner = &leftover.scanner;
    let key = (scanner.pool.as_str(), scanner.instance.as_str(), leftover.remote_id.as_str());
    tables.leftovers.insert(key, leftover.task.as_str())?;
    Ok(())
}

pub fn forget(tables: &mut Tables<'_>, leftover: &Leftover) -> Result<(), TableError> {
    let scanner = &leftover.scanner;
    let key = (scanner.pool.as_str(), scanner.instance.as_str(), leftover.remote_id.as_str());
    tables.leftovers.remove(key)?;
    Ok(())
}

pub fn set_trust(tables: &mut Tables<'_>, trust: &Trust) -> Result<(), TableError> {
    let json = serde_json::to_vec(trust).expect("trust is JSON");
    tables.values.insert(TRUST, json.as_slice())?;
    Ok(())
}

impl Reader {
    pub fn leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        let read = || -> Result<_, TableError> {
            let mut leftovers = Vec::new();
            for entry in self.begin()?.open_table(LEFTOVERS)?.iter()? {
                let (key, task) = entry?;
                let (pool, instance, remote_id) = key.value();
                leftovers.push(Leftover {
                    scanner: ScannerId {
                        pool: pool.parse().map_err(BadRecord::from)?,
                        instance: instance.parse().map_err(BadRecord::from)?,
                    },
                    remote_id: remote_id.to_owned(),
                    task: task.value().parse().map_err(BadRecord::from)?,
                });
            }
            Ok(leftovers)
        };
        Ok(read()?)
    }

    pub fn trust(&self) -> Result<Option<Trust>, StoreError> {
        let read = || -> Result<_, TableError> {
            let stored = self.begin()?.open_table(VALUES)?.get(TRUST)?;
            let trust = stored.map(|stored| serde_json::from_slice(stored.value())).transpose();
            Ok(trust.map_err(|_| BadRecord::Value("trust"))?)
        };
        Ok(read()?)
    }
}
