//! A fleet of host processes that are killed, paused and started again, like their Redis, and a record of all events.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use scanhost_it::{
    mcp::McpClient,
    redis::Redis,
    server::{Home, Server},
};
use tokio::{task::block_in_place, time::sleep};

use crate::{crash_points, random::SeededRandom};

/// The longest time until a process has started, even if Redis is away meanwhile.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The longest time between the end of a process and the start of its successor.
const MAX_DOWNTIME: Duration = Duration::from_millis(300);

/// One in this many processes is armed: it is started with a crash point at which it ends.
const ARMED_ONE_IN: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    All,
    Api,
    Worker,
}

pub struct Fleet {
    home: Arc<Home>,
    points: Vec<String>,
    slots: Vec<Slot>,
    redis: tokio::sync::Mutex<Option<Redis>>,
    next_api: AtomicUsize,
    events: Mutex<Events>,
}

/// A slot for one process at a time.
struct Slot {
    name: String,
    role: Role,
    /// The present process. The mutex is locked while the process is paused or replaced.
    process: tokio::sync::Mutex<Option<Process>>,
}

struct Process {
    server: Server,
    mcp: McpClient,
    is_armed: bool,
}

/// The log lines of ended processes and the events of the storm, and how often each event happened.
#[derive(Default)]
struct Events {
    lines: Vec<String>,
    tally: BTreeMap<&'static str, usize>,
}

impl Role {
    fn serves_mcp(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }

    fn runs_scans(self) -> bool {
        matches!(self, Self::All | Self::Worker)
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }
}

impl Fleet {
    pub async fn start(home: &Arc<Home>, roles: &[Role], redis: Option<Redis>) -> Self {
        let slot = |(number, role): (usize, &Role)| Slot {
            name: format!("{}-{number}", role.name()),
            role: *role,
            process: tokio::sync::Mutex::default(),
        };
        let fleet = Self {
            home: home.clone(),
            points: crash_points::crash_point_names(home),
            slots: roles.iter().enumerate().map(slot).collect(),
            redis: tokio::sync::Mutex::new(redis),
            next_api: AtomicUsize::new(0),
            events: Mutex::default(),
        };
        for slot in &fleet.slots {
            *slot.process.lock().await = Some(fleet.start_process(slot, None).await);
        }
        fleet
    }

    /// A client of a running process that serves MCP, of the next one on each call.
    pub async fn any_api(&self) -> McpClient {
        let apis: Vec<&Slot> = self.slots.iter().filter(|slot| slot.role.serves_mcp()).collect();
        let begin = Instant::now();
        loop {
            let slot = apis[self.next_api.fetch_add(1, Ordering::Relaxed) % apis.len()];
            if let Ok(mut process) = slot.process.try_lock()
                && let Some(process) = process.as_mut()
                && !process.server.has_exited()
            {
                return process.mcp.clone();
            }
            assert!(begin.elapsed() < START_TIMEOUT, "no api is running:\n{}", self.timeline());
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Kills a random process that is not paused, and starts another in its slot. Processes that have ended at a crash
    /// point are replaced, too.
    pub async fn kill_one(&self, random: &mut SeededRandom) {
        for slot in &self.slots {
            if let Ok(mut process) = slot.process.try_lock()
                && process.as_mut().is_some_and(|process| process.server.has_exited())
            {
                self.end_process(slot, &mut process);
                *process = Some(self.start_process(slot, self.maybe_crash_point(random)).await);
            }
        }
        loop {
            let slot = random.choose(&self.slots);
            if let Ok(mut process) = slot.process.try_lock() {
                self.record_event("SIGKILL", &slot.name);
                self.end_process(slot, &mut process);
                sleep(MAX_DOWNTIME.mul_f64(random.fraction())).await;
                *process = Some(self.start_process(slot, self.maybe_crash_point(random)).await);
                return;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Pauses a random process that runs scans for this time, by SIGSTOP and SIGCONT.
    pub async fn pause_one(&self, length: Duration, random: &mut SeededRandom) {
        let workers: Vec<&Slot> = self.slots.iter().filter(|slot| slot.role.runs_scans()).collect();
        loop {
            let slot = random.choose(&workers);
            let Ok(mut guard) = slot.process.try_lock() else {
                sleep(POLL_INTERVAL).await;
                continue;
            };
            let process = guard.as_mut().expect("a slot has a process while nobody replaces it");
            if process.server.has_exited() {
                self.end_process(slot, &mut guard);
                *guard = Some(self.start_process(slot, None).await);
                continue;
            }
            self.record_event("SIGSTOP", &slot.name);
            process.server.send_signal("STOP");
            sleep(length).await;
            process.server.send_signal("CONT");
            return self.record_event("SIGCONT", &slot.name);
        }
    }

    /// Kills Redis, and starts it again on the same files after this time.
    pub async fn kill_redis(&self, away: Duration) {
        let mut redis = self.redis.lock().await;
        let redis = redis.as_mut().expect("the fleet has a Redis");
        self.record_event("SIGKILL of Redis", "");
        redis.kill();
        sleep(away).await;
        block_in_place(|| redis.start_again());
        self.record_event("Redis again", "");
    }

    /// Replaces processes that have ended or are armed, so that no process will end at a crash point any more.
    pub async fn restart_ended_and_armed(&self) {
        for slot in &self.slots {
            let mut process = slot.process.lock().await;
            if process.as_mut().is_none_or(|process| process.is_armed || process.server.has_exited()) {
                self.end_process(slot, &mut process);
                *process = Some(self.start_process(slot, None).await);
            }
        }
    }

    /// Removes the Redis from the fleet, and returns it.
    pub async fn take_redis(&self) -> Option<Redis> {
        self.redis.lock().await.take()
    }

    fn maybe_crash_point(&self, random: &mut SeededRandom) -> Option<String> {
        let point = random.choose(&self.points);
        let nth = random.below(4) + 1;
        random.one_in(ARMED_ONE_IN).then(|| format!("{point}:{nth}"))
    }

    /// Kills the process, unless it has ended, and records its log.
    fn end_process(&self, slot: &Slot, process: &mut Option<Process>) {
        if let Some(Process { server, .. }) = process.take() {
            self.record_log(slot, &server.kill_and_take_log());
        }
    }

    /// Starts a process that ends at this crash point, and retries until it serves.
    async fn start_process(&self, slot: &Slot, mut point: Option<String>) -> Process {
        let begin = Instant::now();
        loop {
            let mut command = self.home.serve_command();
            command.args(["--role", slot.role.name()]);
            if let Some(point) = &point {
                command.env("SCANHOST_CRASH_AT", point);
            }
            self.record_event("start", &format!("{} {}", slot.name, point.as_deref().unwrap_or("")));
            match block_in_place(|| Server::try_start(command)) {
                Ok(server) => {
                    let mcp = server.mcp();
                    return Process { server, mcp, is_armed: point.is_some() };
                }
                Err(log) => {
                    self.record_log(slot, &log);
                    assert!(begin.elapsed() < START_TIMEOUT, "{} does not start:\n{log}", slot.name);
                    // The process has ended at its crash point already, or Redis is away.
                    point = None;
                    sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    fn record_log(&self, slot: &Slot, log: &str) {
        let mut events = self.events.lock().expect("no holder of the events panics");
        for line in log.lines() {
            assert!(!line.contains("panicked at"), "{}: {log}", slot.name);
            if line.starts_with("crash point") {
                *events.tally.entry("ends at a crash point").or_default() += 1;
            }
            events.lines.push(format!("{} {line}", slot.name));
        }
    }

    fn record_event(&self, event: &'static str, object: &str) {
        let mut events = self.events.lock().expect("no holder of the events panics");
        *events.tally.entry(event).or_default() += 1;
        events
            .lines
            .push(format!("storm {{\"timestamp\":\"{}\",\"message\":\"{event} {object}\"}}", jiff::Timestamp::now()));
    }

    /// How often each event happened.
    pub fn tally(&self) -> String {
        format!("{:?}", self.events.lock().expect("no holder of the events panics").tally)
    }

    fn timeline(&self) -> String {
        let events = self.events.lock().expect("no holder of the events panics");
        events.lines.iter().filter(|line| line.starts_with("storm")).cloned().collect::<Vec<_>>().join("\n")
    }

    /// The log lines about a scan, together with the events of the storm meanwhile, in the order of time.
    pub fn events_of_scan(&self, id: &str) -> String {
        for slot in &self.slots {
            if let Ok(mut process) = slot.process.try_lock() {
                self.end_process(slot, &mut process);
            }
        }
        let events = self.events.lock().expect("no holder of the events panics");
        let is_relevant = |line: &&String| line.contains(id) || line.starts_with("storm");
        let time =
            |line: &String| line.split_once("\"timestamp\":\"").map(|(_, rest)| rest[..26.min(rest.len())].to_owned());
        let mut lines: Vec<&String> = events.lines.iter().filter(is_relevant).collect();
        lines.sort_by_key(|line| time(line));
        // The result begins with the first line about the scan and ends soon after the last.
        let first = lines.iter().position(|line| line.contains(id)).unwrap_or(0);
        let last = lines.iter().rposition(|line| line.contains(id)).unwrap_or(0);
        lines[first..(last + 3).min(lines.len())].iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}
