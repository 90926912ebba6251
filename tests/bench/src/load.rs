//! Many agents at once, on a thread of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, task::JoinSet, time::sleep_until};

use crate::wire::{Call, Wire};

/// What agents do at most: the next call of an agent, by how many it made; none when it is done.
pub trait Plan: Send + Sync + 'static {
    fn next(&self, agent: usize, made: usize) -> Option<Call>;

    /// How long after its last call began an agent begins the next one.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }
}

/// One answered call.
#[derive(Clone, Debug)]
pub struct Made {
    pub time: Duration,
    /// Of a submit.
    pub task_id: Option<String>,
}

/// Agents at work; they end with their plan, or when they are told to.
pub struct Load {
    working: tokio::task::JoinHandle<Vec<Made>>,
    end: Arc<AtomicBool>,
    start: Instant,
}

impl Load {
    /// Agents that each have a connection of their own. Where they have a pace they begin one after the other.
    pub fn start(address: &str, agents: usize, plan: impl Plan) -> Self {
        let (plan, end, start, address) =
            (Arc::new(plan), Arc::new(AtomicBool::new(false)), Instant::now(), address.to_owned());
        let told = end.clone();
        // One thread for all: the less the load costs, the more is left for what is measured.
        let working = tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut running = JoinSet::new();
                for agent in 0..agents {
                    let first = start + plan.pace().mul_f64(agent as f64 / agents as f64);
                    running.spawn(work(address.clone(), agent, plan.clone(), told.clone(), first));
                }
                running.join_all().await.concat()
            })
        });
        Self { working, end, start }
    }

    /// What was made once all have ended, and how long that took.
    pub async fn ended(self) -> (Vec<Made>, Duration) {
        let made = self.working.await.unwrap();
        (made, self.start.elapsed())
    }

    /// Tells them to end, and waits for their last calls.
    pub async fn stop(self) -> (Vec<Made>, Duration) {
        self.end.store(true, Ordering::Relaxed);
        self.ended().await
    }
}

async fn work<P: Plan>(address: String, agent: usize, plan: Arc<P>, end: Arc<AtomicBool>, first: Instant) -> Vec<Made> {
    // Who comes one after the other also connects so.
    sleep_until(first.into()).await;
    let mut wire = Wire::open(&address).await;
    let (mut all, mut next) = (Vec::new(), first);
    while let Some(call) = plan.next(agent, all.len()) {
        if plan.pace() > Duration::ZERO {
            sleep_until(next.into()).await;
            next += plan.pace();
        }
        if end.load(Ordering::Relaxed) {
            break;
        }
        let answer = wire.call(&call).await;
        let task_id = call.is_submit().then(|| answer.task_id());
        all.push(Made { time: answer.time, task_id });
    }
    all
}

/// The same call again and again.
pub struct Repeat(pub Call);

impl Plan for Repeat {
    fn next(&self, _agent: usize, _made: usize) -> Option<Call> {
        Some(self.0.clone())
    }
}
