//! Transitions of an existing scan: its worker's steps, cancelling and deleting it. The next state is decided here from
//! what was read, and written if nobody else was faster; otherwise the scan is read and decided again.

use jiff::Timestamp;
use scanhost_domain::{
    ids::TaskId,
    scan::{Failure, Fence, Finished, Outcome, Running, Scan, ScanState},
};

use super::{
    super::{Cancelled, Change, Deleted, StoreError},
    MAX_TRIES, RedisStore, contended,
    step::Step,
    stored::{Stored, encode},
};

/// What to do with a scan as it was read.
enum Decision<T> {
    /// Answer without writing.
    Answer(T),
    Write {
        step: Step,
        answer: T,
    },
    /// Write as the scan's worker, which tries again if the answer is lost. `written` is the scan after the step.
    WriteAsWorker {
        step: Step,
        written: Box<Scan>,
        answer: T,
    },
}

impl RedisStore {
    async fn transition<T>(
        &self,
        id: &TaskId,
        decide: impl Fn(Option<Stored>) -> Decision<T> + Send,
    ) -> Result<T, StoreError> {
        for _ in 0..MAX_TRIES {
            match decide(self.stored(id).await?) {
                Decision::Answer(answer) => return Ok(answer),
                Decision::Write { step, answer } => {
                    if self.apply(&step).await? {
                        return Ok(answer);
                    }
                }
                Decision::WriteAsWorker { step, written, answer } => {
                    self.lock_unconfirmed().insert(id.clone(), *written);
                    if self.apply(&step).await? {
                        return Ok(answer);
                    }
                }
            }
        }
        Err(contended())
    }

    /// Makes a transition as the scan's worker. Once it is answered, no step of the scan is unconfirmed.
    async fn as_worker<T>(
        &self,
        id: &TaskId,
        decide: impl Fn(Option<Stored>) -> Decision<T> + Send,
    ) -> Result<T, StoreError> {
        let answer = self.transition(id, decide).await;
        if answer.is_ok() {
            self.lock_unconfirmed().remove(id);
        }
        answer
    }

    /// Whether the last step of this worker was carried out although its answer was lost.
    fn was_taken(&self, stored: &Stored) -> bool {
        self.lock_unconfirmed().get(&stored.scan.id).is_some_and(|written| *written == stored.scan)
    }

    /// Returns `None` if the scan no longer belongs to this worker.
    pub(super) async fn change(
        &self,
        id: &TaskId,
        fence: Fence,
        change: &Change,
    ) -> Result<Option<Running>, StoreError> {
        let decide = |stored: Option<Stored>| {
            let Some((stored, running)) = owned(stored, fence) else { return Decision::Answer(None) };
            if let Change::Enter { phase, .. } = change
                && *phase == running.phase
                && self.was_taken(&stored)
            {
                return Decision::Answer(Some(running));
            }
            let running = match change.clone().apply(running) {
                Ok(running) => running,
                Err(refused) => {
                    tracing::error!(scan = %id, trace = %stored.scan.trace, %refused, "refused a step that is out of order");
                    return Decision::Answer(None);
                }
            };
            let step = self.put_running(self.unchanged(&stored), &stored, &running);
            let written = Box::new(Scan { state: ScanState::Running(running.clone()), ..stored.scan });
            Decision::WriteAsWorker { step, written, answer: Some(running) }
        };
        self.as_worker(id, decide).await
    }

    /// Returns `None` if the scan no longer belongs to this worker.
    pub(super) async fn end(
        &self,
        id: &TaskId,
        fence: Fence,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Option<Scan>, StoreError> {
        let decide = |stored: Option<Stored>| {
            if let Some(stored) = &stored
                && stored.scan.is_finished()
                && self.was_taken(stored)
            {
                return Decision::Answer(Some(stored.scan.clone()));
            }
            let Some((stored, mut running)) = owned(stored, fence) else { return Decision::Answer(None) };
            running.advance(stored.progress);
            let step = self.remove_lease(self.unchanged(&stored), id, &running);
            let (step, scan) = self.put_finished(step, &stored, running.finish(outcome.clone(), now));
            Decision::WriteAsWorker { step, written: Box::new(scan.clone()), answer: Some(scan) }
        };
        self.as_worker(id, decide).await
    }

    pub(super) async fn cancel_scan(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let decide = |stored: Option<Stored>| {
            let Some(stored) = stored else { return Decision::Answer(Cancelled::NotFound) };
            match stored.scan.state.clone() {
                ScanState::Queued(queued) => {
                    let step = self.remove_from_queue(self.unchanged(&stored), &stored.scan);
                    let (step, scan) = self.put_finished(step, &stored, queued.cancel(now));
                    Decision::Write { step, answer: Cancelled::Ended(scan) }
                }
                ScanState::Running(running) => {
                    let running = running.request_cancel();
                    let scan = Scan { state: ScanState::Running(running), ..stored.scan.clone() };
                    let step = self.put(self.unchanged(&stored), &stored, &scan);
                    Decision::Write { step, answer: Cancelled::Requested(scan) }
                }
                ScanState::Finished(_) => Decision::Answer(Cancelled::Refused(stored.scan)),
            }
        };
        self.transition(id, decide).await
    }

    /// Returns `None` if the scan does not wait any more.
    pub(super) async fn fail_queued(
        &self,
        id: &TaskId,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<Option<Scan>, StoreError> {
        let decide = |stored: Option<Stored>| {
            let Some(stored) = stored else { return Decision::Answer(None) };
            let ScanState::Queued(queued) = stored.scan.state.clone() else { return Decision::Answer(None) };
            let step = self.remove_from_queue(self.unchanged(&stored), &stored.scan);
            let (step, scan) = self.put_finished(step, &stored, queued.fail(failure.clone(), now));
            Decision::Write { step, answer: Some(scan) }
        };
        self.transition(id, decide).await
    }

    pub(super) async fn delete_scan(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError> {
        let decide = |stored: Option<Stored>| {
            let Some(stored) = stored else { return Decision::Answer(Deleted::NotFound) };
            let (scan, step) = (stored.scan.clone(), self.unchanged(&stored));
            let (scan, step) = match scan.state.clone() {
                ScanState::Finished(_) => {
                    let step = step.write(&["ZREM", &self.keys.dead(&scan.request.pool), id.as_str()]);
                    (scan, step)
                }
                ScanState::Running(_) if !force => return Decision::Answer(Deleted::Running),
                ScanState::Queued(queued) => {
                    let step = self.remove_from_queue(step, &scan);
                    (scan.finished(queued.cancel(now)), step)
                }
                ScanState::Running(running) => {
                    let step = self.remove_lease(step, id, &running);
                    (scan.finished(running.finish(Outcome::Cancelled, now)), step)
                }
            };
            let mut step = step
                .write(&["DEL", &self.keys.scan(id)])
                .write(&["ZREM", &self.keys.scans(), id.as_str()])
                .write(&["ZREM", &self.keys.access(), id.as_str()])
                .write(&["ZREM", &self.keys.access_of_failed(), id.as_str()])
                .write(&["PUBLISH", &self.keys.events(), id.as_str()]);
            step = self.note_leftover(step, &scan);
            if let Some(until) = &stored.keyed_until {
                step = step.write(&["SET", &self.keys.keyed(id), &encode(&scan), "PXAT", until]);
            }
            Decision::Write { step, answer: Deleted::Done(Box::new(scan)) }
        };
        self.transition(id, decide).await
    }

    /// Adds the end of the scan to the step. A failed scan becomes a dead letter in the same step.
    fn put_finished(&self, step: Step, stored: &Stored, finished: Finished) -> (Step, Scan) {
        let time = finished.completed_at.as_millisecond().to_string();
        let is_failed = matches!(finished.outcome, Outcome::Failed(_));
        let access = match finished.outcome {
            Outcome::Completed(_) | Outcome::Cancelled => self.keys.access(),
            Outcome::Failed(_) | Outcome::Timeout => self.keys.access_of_failed(),
        };
        let scan = stored.scan.clone().finished(finished);
        let (key, id) = (self.keys.scan(&scan.id), scan.id.as_str());
        let mut step = self
            .put(step, stored, &scan)
            .write(&["HDEL", &key, "fence", "scanner", "progress"])
            .write(&["ZADD", &access, &time, id]);
        if is_failed {
            step = step.write(&["ZADD", &self.keys.dead(&scan.request.pool), &time, id]);
        }
        (step, scan)
    }
}

fn owned(stored: Option<Stored>, fence: Fence) -> Option<(Stored, Running)> {
    let stored = stored?;
    match stored.scan.state.clone() {
        ScanState::Running(running) if running.fence == fence => Some((stored, running)),
        ScanState::Queued(_) | ScanState::Running(_) | ScanState::Finished(_) => None,
    }
}
