//! Stores for tests, each with its own folder or key prefix.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use scanhost_domain::ids::TaskId;

use super::{
    super::{
        Store,
        embedded::EmbeddedStore,
        redis::{LEASE, RedisStore},
    },
    redis_server::RedisServer,
};

/// A store of one test, and where it is kept.
pub struct Fresh {
    pub store: Arc<dyn Store>,
    location: Location,
}

enum Location {
    Folder(tempfile::TempDir),
    Prefix(String),
}

impl Fresh {
    pub fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Arc::new(EmbeddedStore::open(folder.path()).unwrap()), location: Location::Folder(folder) }
    }

    pub async fn redis() -> Self {
        let prefix = new_prefix();
        Self { store: Arc::new(connect(&prefix, LEASE).await), location: Location::Prefix(prefix) }
    }

    /// Replaces stored records by these, and opens the store as the next process does.
    pub async fn overwritten(self, records: &[(TaskId, &[u8])]) -> Self {
        let Self { store, location } = self;
        drop(store);
        match &location {
            Location::Folder(folder) => overwrite_file(folder.path(), records),
            Location::Prefix(prefix) => {
                for (id, record) in records {
                    let mut set = redis::cmd("HSET");
                    set.arg(format!("{prefix}scan:{id}")).arg("record").arg(*record);
                    let () = set.query(&mut raw(RedisServer::shared())).unwrap();
                }
            }
        }
        Self::opened(location).await
    }

    /// Opens the store as the next process does, after the workers of this one are lost.
    pub async fn reopen(self) -> Self {
        let Self { store, location } = self;
        drop(store);
        Self::opened(location).await
    }

    async fn opened(location: Location) -> Self {
        let store: Arc<dyn Store> = match &location {
            Location::Folder(folder) => Arc::new(open_again(|| EmbeddedStore::open(folder.path()))),
            Location::Prefix(prefix) => {
                end_leases(prefix);
                Arc::new(connect(prefix, LEASE).await)
            }
        };
        Self { store, location }
    }
}

/// A prefix of keys that no other test has.
pub fn new_prefix() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("test{}:", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub async fn connect(prefix: &str, lease: Duration) -> RedisStore {
    RedisStore::connect(&RedisServer::shared().url(), prefix, lease).await.unwrap()
}

/// A connection for reading the keys themselves.
pub fn raw(server: &RedisServer) -> redis::Connection {
    redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// Ends all leases, as if the workers had released their scans.
fn end_leases(prefix: &str) {
    let (mut connection, key) = (raw(RedisServer::shared()), format!("{prefix}running"));
    let running: Vec<String> = redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query(&mut connection).unwrap();
    for id in running {
        let () = redis::cmd("ZADD").arg(&key).arg(0).arg(id).query(&mut connection).unwrap();
    }
}

/// Retries to open the file, which the writer's thread releases a moment after the store is dropped.
fn open_again<T, E>(open: impl Fn() -> Result<T, E>) -> T {
    let opened = (0..3_000).find_map(|_| {
        open().ok().or_else(|| {
            std::thread::sleep(Duration::from_millis(10));
            None
        })
    });
    opened.expect("the file is free again")
}

fn overwrite_file(folder: &Path, records: &[(TaskId, &[u8])]) {
    const SCANS: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("scans");
    let database = open_again(|| redb::Database::open(folder.join("scanhost.redb")));
    let transaction = database.begin_write().unwrap();
    {
        let mut scans = transaction.open_table(SCANS).unwrap();
        for (id, record) in records {
            assert!(scans.insert(id.as_str(), *record).unwrap().is_some());
        }
    }
    transaction.commit().unwrap();
}
