//! `config check --connect`: asks the scanners for their health, and connects to Redis.

use std::time::Duration;

use futures_util::future::join_all;
use scanhost_app::snapshot::{LoadedScanner, Snapshot, local_check::health};
use scanhost_config::{Config, Position, Problem, StoreKind};
use scanhost_domain::{error_chain::chain, ids::ScannerId, visible::visible};
use scanhost_store::redis::{self, RedisStore};
use scanhost_system::installation::Installation;
use serde_json::{Value as Json, json};

/// How long the check waits at its end for scanners to end its sessions.
const LOG_OUT_TIME: Duration = Duration::from_secs(3);

/// What an enabled scanner answered.
pub struct Health {
    pub scanner: ScannerId,
    place: Option<Position>,
    is_up: bool,
    message: String,
}

impl Health {
    /// The line for people.
    pub fn sentence(&self) -> String {
        let state = if self.is_up { "up" } else { "down" };
        let message = visible(&self.message);
        let separator = if message.is_empty() { "" } else { ": " };
        format!("{}: {state}{separator}{message}", self.scanner)
    }

    pub fn json(&self) -> Json {
        json!({
            "pool": self.scanner.pool.as_str(),
            "instance_id": self.scanner.instance.as_str(),
            "up": self.is_up,
            "message": self.message,
        })
    }

    /// The problem that a scanner is down.
    pub fn problem(&self) -> Option<Problem> {
        (!self.is_up).then(|| scanner_problem(&self.scanner, self.place, self.message.clone()))
    }
}

/// A problem with a scanner.
pub fn scanner_problem(scanner: &ScannerId, place: Option<Position>, message: String) -> Problem {
    let key = format!("{}.{}", scanner.pool, scanner.instance);
    Problem { file: "scanners.yaml".to_owned(), place, key, message }
}

/// Asks all enabled scanners at once. The limits of each scanner and of its plugin's calls bound the wait.
pub async fn ask(snapshot: &Snapshot) -> Vec<Health> {
    let enabled = || snapshot.scanners.iter().filter(|scanner| scanner.config.enabled);
    let healths = join_all(enabled().map(ask_one)).await;
    // If a session cannot be ended in time, the scanner ends it later by itself.
    let log_out = join_all(enabled().map(|scanner| scanner.client.log_out()));
    let _elapsed = tokio::time::timeout(LOG_OUT_TIME, log_out).await;
    healths
}

async fn ask_one(scanner: &LoadedScanner) -> Health {
    let (is_up, message) = match health(scanner, &Installation::none()).await {
        Ok(health) => health,
        Err(trouble) if trouble.is_login() => (false, format!("login refused: {}", trouble.failure.message)),
        Err(trouble) => (false, trouble.failure.message),
    };
    Health { scanner: scanner.id.clone(), place: scanner.config.place, is_up, message }
}

/// Connects to the store if it is in Redis, and changes nothing in it.
pub async fn check_store(config: &Config) -> Option<Problem> {
    let StoreKind::Redis(url) = &config.store else { return None };
    let error = RedisStore::connect(url.expose(), &config.key_prefix, redis::LEASE).await.err()?;
    Some(Problem {
        file: "scanhost.yaml".to_owned(),
        place: config.place_of("store"),
        key: "store".to_owned(),
        message: format!("Redis cannot be used: {}", chain(&error)),
    })
}
