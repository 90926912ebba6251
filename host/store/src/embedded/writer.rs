//! Group commit: the writer thread puts all waiting writes into one transaction, and answers after its fsync.
//! A group that fails is refused as a whole, and so are later ones until the disk may accept writes again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use scanhost_system::disk;
use tokio::sync::{mpsc, oneshot};

use super::{
    super::StoreError,
    database::DatabaseFile,
    tables::{TableError, Tables},
};

/// The most writes in the queue; further ones wait until it has room.
const MAX_WAITING: usize = 4_096;

/// Writes in one transaction at most, to bound how long the first waits for the last.
const MAX_GROUP: usize = 1_024;

/// The pause between a failed write and the next attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Applies a step to the tables, and returns the closure that answers its caller once the step is durable.
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Deliver, TableError> + Send>;
type Deliver = Box<dyn FnOnce() + Send>;

pub struct Writer {
    jobs: mpsc::Sender<Job>,
    last_failure: Arc<LastFailure>,
}

/// Why the last group was not written.
#[derive(Default)]
struct LastFailure(Mutex<Option<WriteFailure>>);

#[derive(Clone)]
struct WriteFailure {
    message: String,
    is_full: bool,
    at: Instant,
}

impl LastFailure {
    fn get(&self) -> Option<WriteFailure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, failed: Option<WriteFailure>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }
}

impl Writer {
    pub fn start(database: Arc<DatabaseFile>) -> Self {
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let last_failure = Arc::<LastFailure>::default();
        let known = last_failure.clone();
        let run = move || write_groups(&database, &known, waiting);
        thread::Builder::new().name("store-writer".into()).spawn(run).expect("a thread can be started");
        Self { jobs, last_failure }
    }

    /// Applies the step in a transaction with others, and answers when it is durable.
    pub async fn write<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Tables<'_>) -> Result<T, TableError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let value = match step(tables) {
                // One damaged record must not keep others from being written.
                Err(TableError::Record(bad)) => Err(StoreError::Damaged(bad)),
                other => Ok(other?),
            };
            Ok(Box::new(move || {
                // Whoever asked may be gone; what was written stays.
                let _gone = answer.send(value);
            }))
        });
        self.jobs.send(job).await.map_err(|_| self.refused())?;
        answered.await.map_err(|_| self.refused())?
    }

    /// Why a write was dropped.
    fn refused(&self) -> StoreError {
        match self.last_failure.get() {
            Some(WriteFailure { is_full: true, .. }) => StoreError::DiskFull,
            Some(WriteFailure { message, .. }) => StoreError::Unavailable(message),
            None => StoreError::Unavailable("its last write failed".to_owned()),
        }
    }
}

fn write_groups(database: &DatabaseFile, last_failure: &LastFailure, mut waiting: mpsc::Receiver<Job>) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, MAX_GROUP) > 0 {
        // The answers of a group that is not written are dropped, which their callers see as an error.
        if last_failure.get().is_some_and(|failed| !may_try(database, &failed)) {
            group.clear();
            continue;
        }
        let Err(error) = commit(database, group.drain(..)) else {
            if last_failure.get().is_some() {
                tracing::info!("the store can be written again");
                last_failure.set(None);
            }
            continue;
        };
        tracing::error!(error = error.to_string(), "a write to the store failed, nothing of it was kept");
        // Once it has failed, only the first error says why.
        let is_full = is_full(&error) || last_failure.get().is_some_and(|failed| failed.is_full);
        last_failure.set(Some(WriteFailure { message: error.to_string(), is_full, at: Instant::now() }));
        if let Err(error) = database.open_again() {
            tracing::error!(error = error.to_string(), "the store cannot be opened again yet");
        }
    }
}

fn may_try(database: &DatabaseFile, failed: &WriteFailure) -> bool {
    failed.at.elapsed() >= PAUSE && (!failed.is_full || disk::has_room(database.folder()))
}

fn is_full(error: &TableError) -> bool {
    matches!(error, TableError::Database(redb::Error::Io(error)) if disk::is_full(error))
}

fn commit(database: &DatabaseFile, group: impl Iterator<Item = Job>) -> Result<(), TableError> {
    let present = match database.present() {
        Ok(present) => present,
        Err(_) => {
            database.open_again()?;
            database.present()?
        }
    };
    let transaction = present.begin_write()?;
    let mut answers = Vec::new();
    {
        let mut tables = Tables::open(&transaction, database.index(), database.unreadable())?;
        for job in group {
            answers.push(job(&mut tables)?);
        }
    }
    transaction.commit()?;
    answers.into_iter().for_each(|deliver| deliver());
    Ok(())
}
