//! Whether Redis may lose what it has acknowledged, and how its clock differs from this process' own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use scanhost_system::clock;

use super::{
    super::{Condition, StoreError},
    RedisStore,
};

impl RedisStore {
    pub(super) async fn read_condition(&self) -> Result<Condition, StoreError> {
        let before = clock::system_now();
        let (seconds, microseconds): (i64, i64) = self.connection.query(&redis::cmd("TIME")).await?;
        let after = clock::system_now();
        let theirs = Timestamp::from_microsecond(seconds.saturating_mul(1_000_000).saturating_add(microseconds)).ok();
        // The answer was made somewhere in between.
        let ours = before.checked_add(after.duration_since(before) / 2).unwrap_or(after);
        let clock_ahead = theirs.map(|theirs| theirs.duration_since(ours));
        let mut facts = BTreeMap::new();
        for section in ["persistence", "memory"] {
            let info: Result<String, StoreError> = self.connection.query(redis::cmd("INFO").arg(section)).await;
            match info {
                Ok(info) => facts.extend(read_info(&info)),
                Err(error) => {
                    tracing::debug!(%error, section, "INFO was refused");
                    facts.insert(UNKNOWN.to_owned(), String::new());
                }
            }
        }
        Ok(Condition { clock_ahead, risks: risks(&facts) })
    }
}

fn read_info(info: &str) -> BTreeMap<String, String> {
    let fact = |line: &str| line.trim().split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    info.lines().filter_map(fact).collect()
}

/// The name of the fact that facts are missing.
const UNKNOWN: &str = "unknown";

fn risks(facts: &BTreeMap<String, String>) -> Vec<String> {
    let is = |name: &str, value: &str| facts.get(name).is_some_and(|known| known == value);
    let mut risks = Vec::new();
    if facts.contains_key(UNKNOWN) {
        risks.push("it is not known whether Redis may lose scans: permit its user the command INFO".to_owned());
    }
    if is("aof_enabled", "0") {
        risks.push(
            "Redis does not write each change to its disk, so scans are lost when it ends: set `appendonly yes`"
                .to_owned(),
        );
    } else if is("aof_last_write_status", "err") {
        risks.push("Redis cannot write its append-only file: look at its log and its disk".to_owned());
    }
    let may_evict = facts.get("maxmemory_policy").is_some_and(|policy| policy != "noeviction");
    if may_evict && !is("maxmemory", "0") {
        risks.push(
            "Redis deletes keys when its memory is full, so scans may vanish: set `maxmemory-policy noeviction`"
                .to_owned(),
        );
    }
    risks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risks_follow_from_persistence_and_eviction() {
        for (info, expected) in [
            ("aof_enabled:1\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n", &[][..]),
            ("aof_enabled:0\r\n", &["appendonly yes"]),
            ("aof_enabled:1\r\naof_last_write_status:err\r\n", &["append-only file"]),
            ("aof_enabled:1\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n", &["noeviction"]),
            ("aof_enabled:1\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", &[]),
            ("aof_enabled:0\r\nmaxmemory:100\r\nmaxmemory_policy:volatile-ttl\r\n", &["appendonly", "noeviction"]),
            ("# refused\r\n", &[]),
        ] {
            let risks = risks(&read_info(info));
            assert_eq!(risks.len(), expected.len(), "{info}: {risks:?}");
            assert!(risks.iter().zip(expected).all(|(risk, words)| risk.contains(words)), "{info}: {risks:?}");
        }
    }
}
