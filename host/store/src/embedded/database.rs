//! The database file. After a write that failed redb does nothing more, so the file is opened again: all that was
//! acknowledged is in it, and nothing of the write.

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

/// Pages that redb keeps in memory. Its own default is a gigabyte.
const CACHE_BYTES: usize = 32 << 20;

/// The file's name in the data folder.
const FILE_NAME: &str = "scanhost.redb";

/// How often, and after which pause, it is tried to open a file that a reader of this process still holds.
const OPEN_TRIES: usize = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(20);

pub struct DatabaseFile {
    folder: PathBuf,
    present: ArcSwapOption<Database>,
    index: Index,
    unreadable: UnreadableRecords,
}

impl DatabaseFile {
    /// Opens it, and makes it when there is none.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used.
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

    /// # Errors
    /// While it cannot be opened again.
    pub fn present(&self) -> Result<Arc<Database>, TableError> {
        self.present.load_full().ok_or(TableError::Closed)
    }

    /// Closes it and opens it again. Nothing may be written meanwhile.
    ///
    /// # Errors
    /// When it cannot be opened; it stays closed then.
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
