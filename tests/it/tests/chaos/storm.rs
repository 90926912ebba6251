//! Random kills and pauses of hosts and of Redis while scans are submitted. The test prints its seed, and on a failure
//! the events of the scan that is wrong.
//!
//! The environment can ask for a longer storm than the default:
//! `STORM_SCANS=500 STORM_KILLS=200 STORM_REDIS_KILLS=20 STORM_PAUSES=100 STORM_SEED=1 cargo test -p scanhost-it
//! --test chaos storm -- --nocapture`

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use fake_nessus::Settings;
use scanhost_it::{redis::Redis, testbed::instant_scans};
use tokio::task::JoinSet;

use crate::{
    environment::{Environment, QUICK, SERIAL, submit_arguments},
    fleet::{Fleet, Role},
    random::SeededRandom,
};

/// The average time between two kills.
const KILL_INTERVAL: Duration = Duration::from_millis(900);

/// A pause is longer than a lease, and often longer than a whole scan.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(1_800), Duration::from_millis(3_000), Duration::from_millis(4_500)];

/// The shortest time between two pauses, so that kills get their turn where there is only one process.
const MIN_GAP: Duration = Duration::from_millis(500);

/// The longest time until a submit is acknowledged.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(120);

/// One in this many scans goes to the pool that runs one scan at a time.
const SERIAL_ONE_IN: usize = 5;

struct Plan {
    seed: u64,
    scans: usize,
    kills: usize,
    redis_kills: usize,
    pauses: usize,
}

impl Plan {
    /// Replaces the defaults with the numbers that the environment sets.
    fn with_environment(self) -> Self {
        let number = |name: &str, default: usize| {
            let text = std::env::var(format!("STORM_{name}")).ok();
            text.map_or(default, |text| text.parse().expect("a number"))
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

/// A seed that differs in every run.
fn fresh_seed() -> u64 {
    RandomState::new().hash_one(()) >> 40
}

async fn check_storm(roles: &[Role], redis: Option<Redis>, plan: Plan) {
    let plan = plan.with_environment();
    println!(
        "STORM_SEED={} with {} scans, {} kills, {} of Redis, {} pauses",
        plan.seed, plan.scans, plan.kills, plan.redis_kills, plan.pauses
    );
    let settings = Settings {
        scan_duration: Duration::from_millis(800),
        export_duration: Duration::from_millis(100),
        ..instant_scans(Vec::new())
    };
    let mut environment = Environment::new(settings, redis).await;
    environment.creates_once = plan.pauses == 0;
    let redis = environment.redis.take();
    let begin = Instant::now();
    let fleet = Arc::new(Fleet::start(&environment.home, roles, redis).await);
    let length = KILL_INTERVAL * u32::try_from(plan.kills).unwrap_or(u32::MAX);
    let mut tasks = JoinSet::new();
    tasks.spawn(submit_all(fleet.clone(), plan.scans, length, SeededRandom::new(plan.seed ^ 1)));
    tasks.spawn(kill(fleet.clone(), plan.kills, plan.redis_kills, SeededRandom::new(plan.seed ^ 2)));
    tasks.spawn(pause(fleet.clone(), plan.pauses, length, SeededRandom::new(plan.seed ^ 3)));
    while let Some(done) = tasks.join_next().await {
        for (key, pool, id) in done.expect("no task panics") {
            environment.expected.submits.insert(key, (pool, Some(id)));
        }
    }
    fleet.restart_ended_and_armed().await;
    println!("{} after {:?}", fleet.tally(), begin.elapsed());
    let mcp = fleet.any_api().await;
    environment.redis = fleet.take_redis().await;
    environment.verify(&mcp, &|id| fleet.events_of_scan(id)).await;
    environment.assert_submit_order();
    println!("verified after {:?}", begin.elapsed());
}

/// The key, pool and task id of each acknowledged submit.
type Submits = Vec<(String, &'static str, String)>;

/// Submits all scans, some of them twice at once, and retries each until it is acknowledged.
async fn submit_all(fleet: Arc<Fleet>, scans: usize, length: Duration, mut random: SeededRandom) -> Submits {
    let mut acknowledged = Vec::new();
    let gap = length / u32::try_from(scans.max(1)).unwrap_or(u32::MAX);
    for number in 0..scans {
        let (key, pool) = (format!("scan-{number}"), if number % SERIAL_ONE_IN == 0 { SERIAL } else { QUICK });
        let id = submit(&fleet, &key, pool, random.one_in(3)).await;
        acknowledged.push((key, pool, id));
        tokio::time::sleep(gap.mul_f64(random.fraction())).await;
    }
    acknowledged
}

async fn submit(fleet: &Fleet, key: &str, pool: &'static str, twice: bool) -> String {
    let begin = Instant::now();
    loop {
        let (first, second) = (fleet.any_api().await, fleet.any_api().await);
        let once = first.try_call("run_untrusted_scan", submit_arguments(key, pool));
        let again = async {
            if twice { second.try_call("run_untrusted_scan", submit_arguments(key, pool)).await.ok() } else { None }
        };
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
        assert!(begin.elapsed() < SUBMIT_TIMEOUT, "{key} was never acknowledged\n{}", fleet.events_of_scan(key));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn kill(fleet: Arc<Fleet>, kills: usize, redis_kills: usize, mut random: SeededRandom) -> Submits {
    let every = if redis_kills > 0 { (kills / (redis_kills + 1)).max(1) } else { usize::MAX };
    let mut redis_killed = 0;
    for number in 1..=kills {
        tokio::time::sleep(KILL_INTERVAL.mul_f64(2.0 * random.fraction())).await;
        fleet.kill_one(&mut random).await;
        if number % every == 0 && redis_killed < redis_kills {
            redis_killed += 1;
            fleet.kill_redis(Duration::from_secs(2).mul_f64(random.fraction())).await;
        }
    }
    Submits::new()
}

async fn pause(fleet: Arc<Fleet>, pauses: usize, length: Duration, mut random: SeededRandom) -> Submits {
    let gap = length / u32::try_from(pauses.max(1)).unwrap_or(u32::MAX);
    for _ in 0..pauses {
        let begin = Instant::now();
        fleet.pause_one(*random.choose(&PAUSES), &mut random).await;
        tokio::time::sleep(gap.saturating_sub(begin.elapsed()).max(MIN_GAP)).await;
    }
    Submits::new()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storm_on_a_single_process_loses_and_duplicates_no_scan() {
    let plan = Plan { seed: fresh_seed(), scans: 12, kills: 8, redis_kills: 0, pauses: 1 };
    check_storm(&[Role::All], None, plan).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storm_on_apis_workers_and_redis_loses_and_duplicates_no_scan() {
    let roles = [Role::Api, Role::Api, Role::Worker, Role::Worker, Role::Worker];
    let plan = Plan { seed: fresh_seed(), scans: 12, kills: 8, redis_kills: 1, pauses: 3 };
    check_storm(&roles, Some(Redis::new()), plan).await;
}
