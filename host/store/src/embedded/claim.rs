//! Claims: a waiting scan gets a scanner, and a scan that lost its worker gets another worker.

use jiff::Timestamp;
use redb::ReadableTable as _;
use scanhost_domain::{
    ids::{InstanceId, ScannerId, TaskId},
    scan::{Queued, ScanState},
    schedule::{Capacity, choose_scanner},
};

use super::{
    super::{Claimed, Offer, PoolOffer, record::BadRecord},
    tables::{TableError, Tables, count_by_scanner},
};

/// The scanners of the offer with their load.
pub fn capacities(offer: &PoolOffer, active: &[(ScannerId, u32)]) -> Vec<Capacity> {
    let capacity = |scanner: &Offer| Capacity {
        scanner: scanner.slot.scanner.clone(),
        max_concurrent_scans: scanner.max_concurrent_scans,
        active: active.iter().find(|(id, _)| *id == scanner.slot.scanner).map_or(0, |(_, count)| *count),
    };
    offer.scanners.iter().map(capacity).collect()
}

/// The instance that a waiting scan is pinned to, as the queue stores it.
pub fn pinned(instance: &str) -> Result<Option<InstanceId>, BadRecord> {
    let instance = Some(instance).filter(|instance| !instance.is_empty());
    Ok(instance.map(str::parse).transpose()?)
}

pub fn claim(
    tables: &mut Tables<'_>,
    offers: &[PoolOffer],
    now: Timestamp,
    is_driven: impl Fn(&TaskId) -> bool,
) -> Result<Option<Claimed>, TableError> {
    if let Some(claimed) = recover(tables, is_driven)? {
        return Ok(Some(claimed));
    }
    let active = count_by_scanner(tables.running.iter()?)?;
    let mut in_turn = Vec::new();
    for offer in offers {
        in_turn.push((counter(tables, &served(offer))?, offer));
    }
    // The pool that was served longest ago comes first, so that no pool waits for more than one scan of another.
    in_turn.sort_by_key(|(served, _)| *served);
    for (_, offer) in in_turn {
        if let Some(claimed) = claim_in_pool(tables, offer, &capacities(offer, &active), now)? {
            let turn = tables.next("turn")?;
            tables.meta.insert(served(offer).as_str(), turn)?;
            return Ok(Some(claimed));
        }
    }
    Ok(None)
}

/// The name of the counter that says when the pool was last served.
fn served(offer: &PoolOffer) -> String {
    format!("served/{}", offer.pool)
}

fn counter(tables: &Tables<'_>, name: &str) -> Result<u64, TableError> {
    Ok(tables.meta.get(name)?.map_or(0, |value| value.value()))
}

/// Claims a running scan whose worker is gone.
fn recover(tables: &mut Tables<'_>, is_driven: impl Fn(&TaskId) -> bool) -> Result<Option<Claimed>, TableError> {
    let mut lost = None;
    for entry in tables.running.iter()? {
        let id: TaskId = entry?.0.value().parse().map_err(BadRecord::from)?;
        if !is_driven(&id) && tables.readable(&id)?.is_some() {
            lost = Some(id);
            break;
        }
    }
    let Some(id) = lost else { return Ok(None) };
    let Some(mut scan) = tables.scan(&id)? else { return Ok(None) };
    let ScanState::Running(running) = scan.state else {
        tables.running.remove(id.as_str())?;
        return Ok(None);
    };
    let running = running.recover();
    scan.state = ScanState::Running(running.clone());
    tables.put(&scan)?;
    Ok(Some(Claimed { scan, running }))
}

/// Claims the first waiting scan of the pool that a free scanner can take. A scan that is pinned to a busy scanner does
/// not hold up those behind it.
fn claim_in_pool(
    tables: &mut Tables<'_>,
    offer: &PoolOffer,
    capacities: &[Capacity],
    now: Timestamp,
) -> Result<Option<Claimed>, TableError> {
    let pool = offer.pool.as_str();
    if tables.paused.get(pool)?.is_some() {
        return Ok(None);
    }
    let starts = format!("starts/{pool}");
    let turn = counter(tables, &starts)?;
    if choose_scanner(capacities, None, offer.balance, turn).is_none() {
        return Ok(None);
    }
    let mut found = None;
    for entry in tables.queue().range((pool, 0)..=(pool, u64::MAX))? {
        let (_, value) = entry?;
        let (id, instance) = value.value();
        let Some(scanner) = choose_scanner(capacities, pinned(instance)?.as_ref(), offer.balance, turn) else {
            continue;
        };
        let id: TaskId = id.parse().map_err(BadRecord::from)?;
        if let Some(scan) = tables.readable(&id)? {
            found = Some((scan, scanner.clone()));
            break;
        }
    }
    let Some((mut scan, scanner)) = found else { return Ok(None) };
    tables.dequeue(&scan)?;
    tables.next(&starts)?;
    let chosen = offer.scanners.iter().find(|offered| offered.slot.scanner == scanner);
    let slot = chosen.expect("a chosen scanner is one of the offered").slot.clone();
    let running = Queued.start(slot, now);
    scan.state = ScanState::Running(running.clone());
    tables.running.insert(scan.id.as_str(), (scanner.pool.as_str(), scanner.instance.as_str()))?;
    tables.put(&scan)?;
    Ok(Some(Claimed { scan, running }))
}
