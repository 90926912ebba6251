//! Claims: a waiting scan gets a scanner, and a scan that lost its worker gets another worker. Any number of workers
//! claim at once: each decides by what it has read, and its step is carried out only if that still holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use scanhost_domain::{
    ids::{InstanceId, PoolName, ScannerId, TaskId},
    scan::{Queued, ScanState},
    schedule::{Capacity, choose_scanner},
};

use super::{
    super::{Claimed, PoolOffer, StoreError, record::BadRecord},
    MAX_TRIES, RedisStore, parse_ids,
    stored::Stored,
};

/// Expired leases that one claim reads.
const SHOWN_EXPIRED: usize = 8;

/// Waiting scans that are read first, and the factor for the next read if all of these are pinned to busy scanners.
const FIRST_LOOK: usize = 8;
const LOOK_GROWTH: usize = 8;

/// What a claim reads before it decides.
struct ClaimView {
    /// Scans whose lease has ended, and when it did.
    expired: Vec<(TaskId, f64)>,
    /// The state of each offer's pool.
    pools: Vec<PoolView>,
}

struct PoolView {
    /// The number of the claim that last served the pool.
    served: u64,
    /// The number of scans that the pool has started.
    starts: u64,
    /// Whether scans wait and the pool is not paused.
    has_waiting: bool,
    capacities: Vec<Capacity>,
}

/// The outcome of starting a scan of a pool.
enum Start {
    Started(Box<Claimed>),
    /// No waiting scan can be taken by a free scanner.
    Nothing,
    /// Other workers were faster, and what was read does not hold any more.
    Overtaken,
}

impl RedisStore {
    pub(super) async fn claim_next(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        for _ in 0..MAX_TRIES {
            let look = self.look(offers).await?;
            for (id, expiry) in &look.expired {
                if let Some(claimed) = self.recover(id, *expiry).await? {
                    return Ok(Some(claimed));
                }
            }
            // Most claims find nothing, and those should not write.
            if !look.pools.iter().any(|pool| pool.has_waiting) {
                return Ok(None);
            }
            match self.start_in_turn(offers, &look.pools, now).await? {
                Start::Started(claimed) => return Ok(Some(*claimed)),
                Start::Nothing => return Ok(None),
                Start::Overtaken => {}
            }
        }
        // Other workers take everything; this worker tries again later.
        Ok(None)
    }

    async fn look(&self, offers: &[PoolOffer]) -> Result<ClaimView, StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("TIME");
        // Unreadable scans stay at the front, so more are read.
        let shown = SHOWN_EXPIRED + self.unreadable.count();
        commands.cmd("ZRANGE").arg(self.keys.running()).arg(0).arg(shown - 1).arg("WITHSCORES");
        commands.cmd("SMEMBERS").arg(self.keys.paused());
        commands.cmd("HGETALL").arg(self.keys.served());
        commands.cmd("HGETALL").arg(self.keys.starts());
        let (time, leases, paused, served, starts) = self.connection.query_all(&commands).await?;
        let (served, starts): (BTreeMap<String, u64>, BTreeMap<String, u64>) = (served, starts);
        let (seconds, microseconds): (u64, u64) = time;
        let leases: Vec<(String, f64)> = leases;
        let paused: BTreeSet<String> = paused;

        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact for 200,000 years")]
        let now = (seconds * 1_000 + microseconds / 1_000) as f64;
        // Workers that could not renew their leases while Redis was away get time to do so now. A scan that was
        // released has no worker.
        let is_settled = self.connection.age() >= self.lease / 2;
        let mut expired = Vec::new();
        for (id, expiry) in leases {
            if expiry == 0.0 || (is_settled && expiry < now) {
                expired.push((id.try_into().map_err(BadRecord::from)?, expiry));
            }
        }

        let mut commands = redis::pipe();
        for offer in offers {
            commands.cmd("LLEN").arg(self.keys.queue(&offer.pool));
            for scanner in &offer.scanners {
                commands.cmd("ZCARD").arg(self.keys.lease(&scanner.slot.scanner));
            }
        }
        let counts: Vec<u64> = self.connection.query_all(&commands).await?;
        let mut counts = counts.into_iter();
        let mut next_count = || counts.next().unwrap_or(0);
        let mut pools = Vec::new();
        for offer in offers {
            let has_waiting = next_count() > 0 && !paused.contains(offer.pool.as_str());
            let capacity = |scanner: &super::super::Offer| Capacity {
                scanner: scanner.slot.scanner.clone(),
                max_concurrent_scans: scanner.max_concurrent_scans,
                active: u32::try_from(next_count()).unwrap_or(u32::MAX),
            };
            let count = |counts: &BTreeMap<String, u64>| counts.get(offer.pool.as_str()).copied().unwrap_or(0);
            pools.push(PoolView {
                served: count(&served),
                starts: count(&starts),
                has_waiting,
                capacities: offer.scanners.iter().map(capacity).collect(),
            });
        }
        Ok(ClaimView { expired, pools })
    }

    /// Claims a scan whose worker is gone, unless its lease was renewed or another worker was faster.
    async fn recover(&self, id: &TaskId, expiry: f64) -> Result<Option<Claimed>, StoreError> {
        let running_key = self.keys.running();
        let stored = self.readable(id).await?;
        let running = stored.as_ref().map(|stored| stored.scan.state.clone());
        let (Some(stored), Some(ScanState::Running(running))) = (stored, running) else {
            // The scan has ended meanwhile, or this version cannot read it.
            return Ok(None);
        };
        let running = running.recover();
        let step = self.unchanged(&stored).check(&["ZSCORE", &running_key, id.as_str()], &expiry.to_string());
        let step = self.put_running(step, &stored, &running);
        if !self.apply(&step).await? {
            return Ok(None);
        }
        let mut scan = stored.scan;
        scan.state = ScanState::Running(running.clone());
        Ok(Some(Claimed { scan, running }))
    }

    /// Starts a scan of the first pool that can. The pool that was served longest ago comes first, so that no pool
    /// waits for more than one scan of another.
    async fn start_in_turn(
        &self,
        offers: &[PoolOffer],
        looks: &[PoolView],
        now: Timestamp,
    ) -> Result<Start, StoreError> {
        let mut turn = redis::cmd("INCR");
        let turn: u64 = self.connection.write(turn.arg(self.keys.turn())).await?;
        let mut pools: Vec<_> = offers.iter().zip(looks).collect();
        pools.sort_by_key(|(_, look)| look.served);
        for (offer, look) in pools {
            match self.start_in_pool(offer, look, turn, now).await? {
                Start::Nothing => {}
                end @ (Start::Started(_) | Start::Overtaken) => return Ok(end),
            }
        }
        Ok(Start::Nothing)
    }

    async fn start_in_pool(
        &self,
        offer: &PoolOffer,
        look: &PoolView,
        turn: u64,
        now: Timestamp,
    ) -> Result<Start, StoreError> {
        if !look.has_waiting || choose_scanner(&look.capacities, None, offer.balance, look.starts).is_none() {
            return Ok(Start::Nothing);
        }
        let Some((stored, scanner)) = self.first_startable(offer, look).await? else { return Ok(Start::Nothing) };
        let id = stored.scan.id.clone();
        let ScanState::Queued(Queued) = stored.scan.state else { return Ok(Start::Overtaken) };
        let chosen = offer.scanners.iter().find(|offered| offered.slot.scanner == scanner);
        let chosen = chosen.expect("a chosen scanner is one of the offered");
        let running = Queued.start(chosen.slot.clone(), now);
        let step = self
            .unchanged(&stored)
            .check(&["SISMEMBER", &self.keys.paused(), offer.pool.as_str()], "0")
            .check_below(&["ZCARD", &self.keys.lease(&scanner)], chosen.max_concurrent_scans)
            .check(&["LREM", &self.keys.queue(&offer.pool), "1", id.as_str()], "1")
            .write(&["HSET", &self.keys.served(), offer.pool.as_str(), &turn.to_string()])
            .write(&["HINCRBY", &self.keys.starts(), offer.pool.as_str(), "1"]);
        let step = self.unpin(step, &stored.scan);
        if !self.apply(&self.put_running(step, &stored, &running)).await? {
            return Ok(Start::Overtaken);
        }
        let mut scan = stored.scan;
        scan.state = ScanState::Running(running.clone());
        Ok(Start::Started(Box::new(Claimed { scan, running })))
    }

    /// The first waiting scan that a free scanner can take. A scan that is pinned to a busy scanner, or cannot be read,
    /// does not hold up those behind it.
    async fn first_startable(
        &self,
        offer: &PoolOffer,
        look: &PoolView,
    ) -> Result<Option<(Stored, ScannerId)>, StoreError> {
        let (mut count, mut unreadable) = (FIRST_LOOK, BTreeSet::new());
        loop {
            // It begins at the front each time, since others take from the queue and no scan may be skipped.
            let waiting = self.waiting(&offer.pool, 0, count).await?;
            let is_all = waiting.len() < count;
            for (id, pinned) in waiting {
                let pinned = Some(pinned).filter(|pinned| !pinned.is_empty());
                let pinned = pinned.map(InstanceId::try_from).transpose().map_err(BadRecord::from);
                let Some(pinned) = self.unreadable.skip(&id, pinned) else { continue };
                let scanner = choose_scanner(&look.capacities, pinned.as_ref(), offer.balance, look.starts);
                let Some(scanner) = scanner.filter(|_| !unreadable.contains(&id)) else { continue };
                match self.readable(&id).await? {
                    Some(stored) => return Ok(Some((stored, scanner.clone()))),
                    None => unreadable.insert(id),
                };
            }
            if is_all {
                return Ok(None);
            }
            count *= LOOK_GROWTH;
        }
    }

    /// Waiting scans of a pool in order, with the instance that each is pinned to; empty if it is not pinned.
    pub(super) async fn waiting(
        &self,
        pool: &PoolName,
        from: usize,
        count: usize,
    ) -> Result<Vec<(TaskId, String)>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range.arg(self.keys.queue(pool)).arg(from).arg(from + count - 1);
        let ids = parse_ids(self.connection.query(&range).await?)?;
        let mut commands = redis::pipe();
        for id in &ids {
            commands.cmd("HGET").arg(self.keys.scan(id)).arg("instance");
        }
        let pinned: Vec<Option<String>> = self.connection.query_all(&commands).await?;
        Ok(ids.into_iter().zip(pinned.into_iter().map(Option::unwrap_or_default)).collect())
    }
}
