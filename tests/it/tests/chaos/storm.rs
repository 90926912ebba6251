//! Kills and pauses at random, of hosts and of Redis, while scans are submitted. The seed is printed, and what happened
//! to a scan that is not as it should be.
//!
//! A longer storm than the usual one is asked for in the environment:
//! `STORM_SCANS=500 STORM_KILLS=200 STORM_REDIS_KILLS=20 STORM_PAUSES=100 STORM_SEED=1 cargo test -p scanhost-it
//! --test chaos storm -- --nocapture`

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use fake_nessus::Settings;
use scanhost_it::{lab::instant, redis::Redis};
use tokio::task::JoinSet;

use crate::{
    dice::Dice,
    fleet::{Fleet, Role},
    world::{LINE, QUICK, World, arguments},
};

/// From one kill to the next, on average.
const KILL_EVERY: Duration = Duration::from_millis(900);

/// A pause outlives a lease, and often a whole scan.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(1_800), Duration::from_millis(3_000), Duration::from_millis(4_500)];

/// Between two pauses: time for kills, where there is one process only.
const BREATH: Duration = Duration::from_millis(500);

/// How long a submit may be refused.
const PATIENCE: Duration = Duration::from_secs(120);

/// Every so-manieth scan goes through the pool that runs one at a time.
const IN_LINE: usize = 5;

struct Plan {
    seed: u64,
    scans: usize,
    kills: usize,
    redis_kills: usize,
    pauses: usize,
}

impl Plan {
    /// As the environment says, where it does.
    fn or(self) -> Self {
        let number = |name: &str, usual: usize| {
            let text = std::env::var(format!("STORM_{name}")).ok();
            text.map_or(usual, |text| text.parse().expect("a number"))
        };
        let seed = u64::try_from(number("SEED", usize::try_from(self.seed).unwrap_or(0))).expect("it fits");
        Self {
            seed,
            scans: number("SCANS", self.scans),
            kills: number("KILLS", self.kills),
            redis_kills: if self.redis_kills > 0 { number("REDIS_KILLS", self.redis_kills) } else { 0 },
            pauses: number("PAUSES", self.pauses),
        }
    }
}

/// Another one for each run.
fn fresh_seed() -> u64 {
    RandomState::new().hash_one(()) >> 40
}

async fn check_storm(roles: &[Role], redis: Option<Redis>, plan: Plan) {
    let plan = plan.or();
    println!(
        "STORM_SEED={} with {} scans, {} kills, {} of Redis, {} pauses",
        plan.seed, plan.scans, plan.kills, plan.redis_kills, plan.pauses
    );
    let settings = Settings {
        scan_duration: Duration::from_millis(800),
        export_duration: Duration::from_millis(100),
        ..instant(Vec::new())
    };
    let mut world = World::new(settings, redis).await;
    world.creates_once = plan.pauses == 0;
    let redis = world.redis.take();
    let begin = Instant::now();
    let fleet = Arc::new(Fleet::start(&world.home, roles, redis).await);
    let length = KILL_EVERY * u32::try_from(plan.kills).unwrap_or(u32::MAX);
    let mut busy = JoinSet::new();
    busy.spawn(submit_all(fleet.clone(), plan.scans, length, Dice::new(plan.seed ^ 1)));
    busy.spawn(kill(fleet.clone(), plan.kills, plan.redis_kills, Dice::new(plan.seed ^ 2)));
    busy.spawn(pause(fleet.clone(), plan.pauses, length, Dice::new(plan.seed ^ 3)));
    while let Some(done) = busy.join_next().await {
        for (key, pool, id) in done.expect("nobody panics") {
            world.owed.submits.insert(key, (pool, Some(id)));
        }
    }
    fleet.calm().await;
    println!("{} after {:?}", fleet.tally(), begin.elapsed());
    let mcp = fleet.any_api().await;
    world.redis = fleet.take_redis().await;
    world.settle(&mcp, &|id| fleet.story_of(id)).await;
    world.assert_in_line();
    println!("settled after {:?}", begin.elapsed());
}

/// Key, pool and id of those that were acknowledged.
type Submits = Vec<(String, &'static str, String)>;

/// Submits until each is acknowledged, some of them twice at once.
async fn submit_all(fleet: Arc<Fleet>, scans: usize, length: Duration, mut dice: Dice) -> Submits {
    let mut answered = Vec::new();
    let gap = length / u32::try_from(scans.max(1)).unwrap_or(u32::MAX);
    for number in 0..scans {
        let (key, pool) = (format!("scan-{number}"), if number % IN_LINE == 0 { LINE } else { QUICK });
        let id = submit(&fleet, &key, pool, dice.one_in(3)).await;
        answered.push((key, pool, id));
        tokio::time::sleep(gap.mul_f64(dice.fraction())).await;
    }
    answered
}

async fn submit(fleet: &Fleet, key: &str, pool: &'static str, twice: bool) -> String {
    let begin = Instant::now();
    loop {
        let (first, second) = (fleet.any_api().await, fleet.any_api().await);
        let once = first.try_call("run_untrusted_scan", arguments(key, pool));
        let again =
            async { if twice { second.try_call("run_untrusted_scan", arguments(key, pool)).await.ok() } else { None } };
        let (once, again) = tokio::join!(once, again);
        let ids: Vec<String> = [once.ok(), again]
            .into_iter()
            .flatten()
            .filter_map(|reply| reply.structured["task_id"].as_str().map(str::to_owned))
            .collect();
        if let Some(id) = ids.first() {
            assert!(ids.iter().all(|other| other == id), "{key} became two scans: {ids:?}");
            return id.clone();
        }
        assert!(begin.elapsed() < PATIENCE, "{key} was never acknowledged\n{}", fleet.story_of(key));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn kill(fleet: Arc<Fleet>, kills: usize, redis_kills: usize, mut dice: Dice) -> Submits {
    let every = if redis_kills > 0 { (kills / (redis_kills + 1)).max(1) } else { usize::MAX };
    let mut of_redis = 0;
    for number in 1..=kills {
        tokio::time::sleep(KILL_EVERY.mul_f64(2.0 * dice.fraction())).await;
        fleet.kill_one(&mut dice).await;
        if number % every == 0 && of_redis < redis_kills {
            of_redis += 1;
            fleet.kill_redis(Duration::from_secs(2).mul_f64(dice.fraction())).await;
        }
    }
    Submits::new()
}

async fn pause(fleet: Arc<Fleet>, pauses: usize, length: Duration, mut dice: Dice) -> Submits {
    let gap = length / u32::try_from(pauses.max(1)).unwrap_or(u32::MAX);
    for _ in 0..pauses {
        let begin = Instant::now();
        fleet.pause_one(*dice.one_of(&PAUSES), &mut dice).await;
        tokio::time::sleep(gap.saturating_sub(begin.elapsed()).max(BREATH)).await;
    }
    Submits::new()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_over_the_one_process_loses_and_doubles_nothing() {
    let plan = Plan { seed: fresh_seed(), scans: 12, kills: 8, redis_kills: 0, pauses: 1 };
    check_storm(&[Role::All], None, plan).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_over_apis_workers_and_redis_loses_and_doubles_nothing() {
    let roles = [Role::Api, Role::Api, Role::Worker, Role::Worker, Role::Worker];
    let plan = Plan { seed: fresh_seed(), scans: 12, kills: 8, redis_kills: 1, pauses: 3 };
    check_storm(&roles, Some(Redis::new()), plan).await;
}
