//! Hosts that are killed, paused and started again, with a Redis that is, and a record of it all.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use scanhost_it::{
    mcp::Mcp,
    redis::Redis,
    server::{Home, Server},
};
use tokio::{task::block_in_place, time::sleep};

use crate::{dice::Dice, points};

/// How long a process may need to start, while Redis is away too.
const START: Duration = Duration::from_secs(60);

const LOOK: Duration = Duration::from_millis(50);

/// The longest time until another process takes the place of one that was killed.
const ABSENCE: Duration = Duration::from_millis(300);

/// Every so-manieth process that is started is to end at a crash point.
const ARMED: usize = 3;

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
    turn: AtomicUsize,
    story: Mutex<Story>,
}

/// One process after the other.
struct Slot {
    name: String,
    role: Role,
    /// Locked while it is paused.
    living: tokio::sync::Mutex<Option<Living>>,
}

struct Living {
    server: Server,
    mcp: Mcp,
    is_armed: bool,
}

/// What was done, and what those said that have ended.
#[derive(Default)]
struct Story {
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
            living: tokio::sync::Mutex::default(),
        };
        let fleet = Self {
            home: home.clone(),
            points: points::names(home),
            slots: roles.iter().enumerate().map(slot).collect(),
            redis: tokio::sync::Mutex::new(redis),
            turn: AtomicUsize::new(0),
            story: Mutex::default(),
        };
        for slot in &fleet.slots {
            *slot.living.lock().await = Some(fleet.born(slot, None).await);
        }
        fleet
    }

    /// One that answers, each time another one.
    pub async fn any_api(&self) -> Mcp {
        let apis: Vec<&Slot> = self.slots.iter().filter(|slot| slot.role.serves_mcp()).collect();
        let begin = Instant::now();
        loop {
            let slot = apis[self.turn.fetch_add(1, Ordering::Relaxed) % apis.len()];
            if let Ok(mut living) = slot.living.try_lock()
                && let Some(living) = living.as_mut()
                && !living.server.has_ended()
            {
                return living.mcp.clone();
            }
            assert!(begin.elapsed() < START, "no api lives:\n{}", self.timeline());
            sleep(LOOK).await;
        }
    }

    /// SIGKILL of one that is not paused, and another in its place. Those that came to their end by themselves get one
    /// too.
    pub async fn kill_one(&self, dice: &mut Dice) {
        for slot in &self.slots {
            if let Ok(mut living) = slot.living.try_lock()
                && living.as_mut().is_some_and(|living| living.server.has_ended())
            {
                self.bury(slot, &mut living);
                *living = Some(self.born(slot, self.some_point(dice)).await);
            }
        }
        loop {
            let slot = dice.one_of(&self.slots);
            if let Ok(mut living) = slot.living.try_lock() {
                self.note("SIGKILL", &slot.name);
                self.bury(slot, &mut living);
                sleep(ABSENCE.mul_f64(dice.fraction())).await;
                *living = Some(self.born(slot, self.some_point(dice)).await);
                return;
            }
            sleep(LOOK).await;
        }
    }

    /// SIGSTOP of one that runs scans, and SIGCONT after this time.
    pub async fn pause_one(&self, length: Duration, dice: &mut Dice) {
        let workers: Vec<&Slot> = self.slots.iter().filter(|slot| slot.role.runs_scans()).collect();
        loop {
            let slot = dice.one_of(&workers);
            let Ok(mut guard) = slot.living.try_lock() else {
                sleep(LOOK).await;
                continue;
            };
            let living = guard.as_mut().expect("a slot has a process while nobody replaces it");
            if living.server.has_ended() {
                self.bury(slot, &mut guard);
                *guard = Some(self.born(slot, None).await);
                continue;
            }
            self.note("SIGSTOP", &slot.name);
            living.server.signal("STOP");
            sleep(length).await;
            living.server.signal("CONT");
            return self.note("SIGCONT", &slot.name);
        }
    }

    /// SIGKILL, and a new one with the same files after this time.
    pub async fn kill_redis(&self, away: Duration) {
        let mut redis = self.redis.lock().await;
        let redis = redis.as_mut().expect("the fleet has a Redis");
        self.note("SIGKILL of Redis", "");
        redis.kill();
        sleep(away).await;
        block_in_place(|| redis.start_again());
        self.note("Redis again", "");
    }

    /// Nothing threatens anyone any more.
    pub async fn calm(&self) {
        for slot in &self.slots {
            let mut living = slot.living.lock().await;
            if living.as_mut().is_none_or(|living| living.is_armed || living.server.has_ended()) {
                self.bury(slot, &mut living);
                *living = Some(self.born(slot, None).await);
            }
        }
    }

    /// Gives it back.
    pub async fn take_redis(&self) -> Option<Redis> {
        self.redis.lock().await.take()
    }

    fn some_point(&self, dice: &mut Dice) -> Option<String> {
        let point = dice.one_of(&self.points);
        let nth = dice.below(4) + 1;
        dice.one_in(ARMED).then(|| format!("{point}:{nth}"))
    }

    /// SIGKILL, where it has not ended yet; what it has said is kept.
    fn bury(&self, slot: &Slot, living: &mut Option<Living>) {
        if let Some(Living { server, .. }) = living.take() {
            self.keep(slot, &server.killed());
        }
    }

    /// A new process, when it has started.
    async fn born(&self, slot: &Slot, mut point: Option<String>) -> Living {
        let begin = Instant::now();
        loop {
            let mut command = self.home.serving();
            command.args(["--role", slot.role.name()]);
            if let Some(point) = &point {
                command.env("SCANHOST_CRASH_AT", point);
            }
            self.note("start", &format!("{} {}", slot.name, point.as_deref().unwrap_or("")));
            match block_in_place(|| Server::try_start(command)) {
                Ok(server) => {
                    let mcp = server.mcp();
                    return Living { server, mcp, is_armed: point.is_some() };
                }
                Err(log) => {
                    self.keep(slot, &log);
                    assert!(begin.elapsed() < START, "{} does not start:\n{log}", slot.name);
                    // Its point has been reached, or Redis is away.
                    point = None;
                    sleep(LOOK).await;
                }
            }
        }
    }

    fn keep(&self, slot: &Slot, log: &str) {
        let mut story = self.story.lock().expect("no holder of the story panics");
        for line in log.lines() {
            assert!(!line.contains("panicked at"), "{}: {log}", slot.name);
            if line.starts_with("crash point") {
                *story.tally.entry("ends at a crash point").or_default() += 1;
            }
            story.lines.push(format!("{} {line}", slot.name));
        }
    }

    fn note(&self, what: &'static str, whom: &str) {
        let mut story = self.story.lock().expect("no holder of the story panics");
        *story.tally.entry(what).or_default() += 1;
        story
            .lines
            .push(format!("storm {{\"timestamp\":\"{}\",\"message\":\"{what} {whom}\"}}", jiff::Timestamp::now()));
    }

    /// How often what was done.
    pub fn tally(&self) -> String {
        format!("{:?}", self.story.lock().expect("no holder of the story panics").tally)
    }

    fn timeline(&self) -> String {
        let story = self.story.lock().expect("no holder of the story panics");
        story.lines.iter().filter(|line| line.starts_with("storm")).cloned().collect::<Vec<_>>().join("\n")
    }

    /// What was said about a scan, and what was done meanwhile, in its order.
    pub fn story_of(&self, id: &str) -> String {
        for slot in &self.slots {
            if let Ok(mut living) = slot.living.try_lock() {
                self.bury(slot, &mut living);
            }
        }
        let story = self.story.lock().expect("no holder of the story panics");
        let of_it = |line: &&String| line.contains(id) || line.starts_with("storm");
        let time =
            |line: &String| line.split_once("\"timestamp\":\"").map(|(_, rest)| rest[..26.min(rest.len())].to_owned());
        let mut lines: Vec<&String> = story.lines.iter().filter(of_it).collect();
        lines.sort_by_key(|line| time(line));
        // From its first line to its last.
        let first = lines.iter().position(|line| line.contains(id)).unwrap_or(0);
        let last = lines.iter().rposition(|line| line.contains(id)).unwrap_or(0);
        lines[first..(last + 3).min(lines.len())].iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}
