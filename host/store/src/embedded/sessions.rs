//! Sessions, so that they continue after a restart. Each is kept until it expires or is deleted.

use jiff::Timestamp;
use redb::ReadableTable as _;

use super::{
    super::StoreError,
    reader::Reader,
    tables::{SESSIONS, TableError, Tables, milliseconds},
};

/// Expired sessions that one write deletes, so that no write deletes all.
const CLEARED: usize = 4;

pub fn put(
    tables: &mut Tables<'_>,
    id: &str,
    session: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), TableError> {
    clear_expired(tables, milliseconds(now))?;
    delete(tables, id)?;
    let expires = milliseconds(expires_at);
    tables.sessions.insert(id, (expires, session))?;
    tables.session_expiry.insert((expires, id), ())?;
    Ok(())
}

pub fn delete(tables: &mut Tables<'_>, id: &str) -> Result<(), TableError> {
    let expires = tables.sessions.remove(id)?.map(|entry| entry.value().0);
    if let Some(expires) = expires {
        tables.session_expiry.remove((expires, id))?;
    }
    Ok(())
}

fn clear_expired(tables: &mut Tables<'_>, now: i64) -> Result<(), TableError> {
    let mut expired = Vec::new();
    for entry in tables.session_expiry.range(..(now, ""))?.take(CLEARED) {
        expired.push(entry?.0.value().1.to_owned());
    }
    expired.iter().try_for_each(|id| delete(tables, id))
}

impl Reader {
    pub fn session(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<_, TableError> {
            let entry = self.begin()?.open_table(SESSIONS)?.get(id)?;
            Ok(entry.and_then(|entry| {
                let (expires, session) = entry.value();
                (milliseconds(now) < expires).then(|| session.to_vec())
            }))
        };
        Ok(read()?)
    }
}
