//! Group commit: the writer thread takes what waits into one transaction, and answers after its fsync.

use std::{sync::Arc, thread};

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::{
    super::StoreError,
    tables::{TableError, Tables},
};

/// Writes that wait at most; further ones wait to be let in.
const MAX_WAITING: usize = 4_096;

/// Writes in one transaction at most, to bound how long the first waits for the last.
const MAX_GROUP: usize = 1_024;

/// Applies itself to the tables and returns what tells the caller of it once it is durable.
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Deliver, TableError> + Send>;
type Deliver = Box<dyn FnOnce() + Send>;

pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub fn start(database: Arc<Database>) -> Self {
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let run = move || write_groups(&database, waiting);
        thread::Builder::new().name("store-writer".into()).spawn(run).expect("a thread can be started");
        Self { jobs }
    }

    /// Applies the step in a transaction with others, and answers when it is durable.
    pub async fn write<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Tables<'_>) -> Result<T, TableError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let value = step(tables)?;
            Ok(Box::new(move || {
                // Whoever asked may be gone; what was written stays.
                let _gone = answer.send(value);
            }))
        });
        let stopped = || StoreError::Unavailable("its last write failed".to_owned());
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())
    }
}

fn write_groups(database: &Database, mut waiting: mpsc::Receiver<Job>) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, MAX_GROUP) > 0 {
        // The answers of a group that fails are dropped, which their callers see as an error.
        if let Err(error) = commit(database, group.drain(..)) {
            tracing::error!(error = error.to_string(), "a write to the store failed, nothing of it was kept");
        }
    }
}

fn commit(database: &Database, group: impl Iterator<Item = Job>) -> Result<(), TableError> {
    let transaction = database.begin_write()?;
    let mut answers = Vec::new();
    {
        let mut tables = Tables::open(&transaction)?;
        for job in group {
            answers.push(job(&mut tables)?);
        }
    }
    transaction.commit()?;
    answers.into_iter().for_each(|deliver| deliver());
    Ok(())
}
