//! Simulated agents, which all run on one thread of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, task::JoinSet, time::sleep_until};

use crate::connection::{Call, Connection};

/// The calls that agents make.
pub trait Workload: Send + Sync + 'static {
    /// Returns the next call of an agent that has completed this many, or none if it is done.
    fn next_call(&self, agent: usize, completed: usize) -> Option<Call>;

    /// The time from the start of one call of an agent to the start of its next. Zero means no pause between calls.
    fn interval(&self) -> Duration {
        Duration::ZERO
    }
}

#[derive(Clone, Debug)]
pub struct CompletedCall {
    pub time: Duration,
    /// The id of the submitted scan, if the call was a submit.
    pub task_id: Option<String>,
}

/// Running agents. They end when their workload has no more calls for them, or when they are stopped.
pub struct Load {
    agents: tokio::task::JoinHandle<Vec<CompletedCall>>,
    stop: Arc<AtomicBool>,
    start: Instant,
}

impl Load {
    /// Starts agents that each have their own connection. If the workload has an interval, their first calls are spread
    /// over one interval.
    pub fn start(address: &str, agent_count: usize, workload: impl Workload) -> Self {
        let (workload, stop, start, address) =
            (Arc::new(workload), Arc::new(AtomicBool::new(false)), Instant::now(), address.to_owned());
        let stop_of_agents = stop.clone();
        // All agents share one thread: the less the load costs, the more is left for the server.
        let agents = tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut agents = JoinSet::new();
                for agent in 0..agent_count {
                    let first_call = start + workload.interval().mul_f64(agent as f64 / agent_count as f64);
                    let (workload, stop) = (workload.clone(), stop_of_agents.clone());
                    agents.spawn(run_agent(address.clone(), agent, workload, stop, first_call));
                }
                agents.join_all().await.concat()
            })
        });
        Self { agents, stop, start }
    }

    /// Waits until all agents have ended. Returns their calls and the time since the start.
    pub async fn wait(self) -> (Vec<CompletedCall>, Duration) {
        let calls = self.agents.await.unwrap();
        (calls, self.start.elapsed())
    }

    /// Stops the agents and waits for the calls that they have begun.
    pub async fn stop(self) -> (Vec<CompletedCall>, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        self.wait().await
    }
}

async fn run_agent<W: Workload>(
    address: String,
    agent: usize,
    workload: Arc<W>,
    stop: Arc<AtomicBool>,
    first_call: Instant,
) -> Vec<CompletedCall> {
    // Agents connect only now, so that their connections too are spread over the interval.
    sleep_until(first_call.into()).await;
    let mut connection = Connection::to_address(&address).await;
    let (mut calls, mut next_start) = (Vec::new(), first_call);
    while let Some(call) = workload.next_call(agent, calls.len()) {
        if workload.interval() > Duration::ZERO {
            sleep_until(next_start.into()).await;
            next_start += workload.interval();
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let response = connection.call(&call).await;
        let task_id = call.is_submit().then(|| response.task_id());
        calls.push(CompletedCall { time: response.time, task_id });
    }
    calls
}

/// Repeats one call until it is stopped.
pub struct Repeat(pub Call);

impl Workload for Repeat {
    fn next_call(&self, _agent: usize, _completed: usize) -> Option<Call> {
        Some(self.0.clone())
    }
}
