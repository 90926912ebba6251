//! The database file. After a failed write redb accepts no more writes, so the file is opened again: it has everything
//! that was acknowledged, and nothing of the failed write.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use redb::Database;

use super::{
    super::{StoreError, unreadable::UnreadableRecords},
    index::Index,
    tables::{self, TableError},
};

/// Bytes of pages that redb keeps in memory. Its own default is a gigabyte.
const CACHE_BYTES: usize = 32 << 20;

/// The file's name in the data folder.
const FILE_NAME: &str = "scanhost.redb";

/// How often, and after which pause, opening a file is retried that a reader of this process still holds.
const OPEN_TRIES: usize = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(20);

pub struct DatabaseFile {
    folder: PathBuf,
    present: ArcSwapOption<Database>,
    index: Index,
    unreadable: UnreadableRecords,
}

impl DatabaseFile {
    /// Opens the database, or creates it if there is none.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let file = Self {
            folder: folder.to_owned(),
            present: ArcSwapOption::empty(),
            index: Index::default(),
            unreadable: UnreadableRecords::default(),
        };
        file.load().map_err(|error| match error {
            TableError::Database(redb::Error::DatabaseAlreadyOpen) => StoreError::InUse,
            other => other.into(),
        })?;
        Ok(file)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    pub fn unreadable(&self) -> &UnreadableRecords {
        &self.unreadable
    }

    /// The open database. It fails while the database cannot be opened again.
    pub fn present(&self) -> Result<Arc<Database>, TableError> {
        self.present.load_full().ok_or(TableError::Closed)
    }

    /// Closes the database and opens it again. Nothing may be written meanwhile. After an error it stays closed.
    pub fn open_again(&self) -> Result<(), TableError> {
        self.present.store(None);
        let mut tries = 0;
        loop {
            match self.load() {
                Err(TableError::Database(redb::Error::DatabaseAlreadyOpen)) if tries < OPEN_TRIES => {
                    tries += 1;
                    std::thread::sleep(OPEN_PAUSE);
                }
                other => return other,
            }
        }
    }

    fn load(&self) -> Result<(), TableError> {
        let path = self.folder.join(FILE_NAME);
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
        tables::create(&database)?;
        tables::fill(&self.index, &database)?;
        self.present.store(Some(Arc::new(database)));
        Ok(())
    }
}
