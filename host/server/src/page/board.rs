//! What the host does now, read from the store at most about once a second, however many people look.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use scanhost_app::{
    host::Host,
    orphans::Orphan,
    plugin_list,
    refusal::Refusal,
    reloads::LastReload,
    reply::StatusReply,
    scanner_list::{ScannerReply, scanners},
};
use scanhost_domain::{ids::ScannerId, scan::Status};
use scanhost_store::{Doubt, ListQuery, PoolState};
use serde_json::Value as Json;
use tokio::{sync::Mutex, time::Instant};

/// How long a reading of the store is shown again.
const FRESH: Duration = Duration::from_millis(900);

/// How many scans each list shows.
const RUNNING: usize = 50;
const RECENT: usize = 12;

#[derive(Default)]
pub struct Board(Mutex<Option<(Instant, Arc<Present>)>>);

pub struct Present {
    pub pools: Vec<Pool>,
    pub scanners: Vec<Scanner>,
    /// Scans at the scanners that no task owns.
    pub orphans: Vec<Orphan>,
    /// Why the host stops and removes nothing at the scanners by itself, if it does not.
    pub doubt: Option<Doubt>,
    pub running: Vec<StatusReply>,
    pub recent: Vec<StatusReply>,
    /// The rows of `scanhost plugin list`, one for each version.
    pub plugins: Json,
    pub reload: LastReload,
    /// The generation of the configuration.
    pub generation: u64,
}

pub struct Pool {
    pub name: String,
    pub is_default: bool,
    pub state: PoolState,
    pub active: u32,
    pub capacity: u32,
}

pub struct Scanner {
    pub scanner: ScannerReply,
    /// What the scanner says of itself, or why it is not up.
    pub message: String,
    pub reported_at: Option<Timestamp>,
}

impl Board {
    pub async fn present(&self, host: &Host) -> Result<Arc<Present>, Refusal> {
        // Requests that come meanwhile wait for this reading.
        let mut latest = self.0.lock().await;
        if let Some((read_at, present)) = &*latest
            && read_at.elapsed() < FRESH
        {
            return Ok(present.clone());
        }
        let present = Arc::new(Present::read(host).await?);
        *latest = Some((Instant::now(), present.clone()));
        Ok(present)
    }

    /// Makes the next request read the store again, since somebody has made a change and wants to see it.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

impl Present {
    async fn read(host: &Host) -> Result<Self, Refusal> {
        let snapshot = host.snapshot.load_full();
        let reports = host.scanner_reports.scanner_reports().await?;
        let mut listed = Vec::new();
        for scanner in scanners(host, None).await? {
            let is_of_scanner =
                |id: &ScannerId| id.pool.as_str() == scanner.pool && id.instance.as_str() == scanner.instance_id;
            let report = reports.iter().find(|(id, _)| is_of_scanner(id)).map(|(_, report)| report);
            let message = report.map(|report| report.message.clone()).unwrap_or_default();
            listed.push(Scanner { message, reported_at: report.map(|report| report.reported_at), scanner });
        }
        let mut pools = Vec::new();
        for pool in &snapshot.config.pools {
            let in_pool = || listed.iter().map(|line| &line.scanner).filter(|line| line.pool == pool.name.as_str());
            pools.push(Pool {
                name: pool.name.to_string(),
                is_default: pool.name == snapshot.config.default_pool,
                state: host.scans.pool(&pool.name).await?,
                active: in_pool().map(|line| line.active_scans).sum(),
                capacity: in_pool().filter(|line| line.enabled).map(|line| line.max_concurrent_scans).sum(),
            });
        }
        Ok(Self {
            pools,
            running: scans(host, Some(Status::Running), RUNNING).await?,
            recent: scans(host, None, RECENT).await?,
            scanners: listed,
            orphans: host.orphans.found(),
            doubt: host.orphans.doubt(),
            plugins: plugin_list::list(host),
            reload: host.reloads.last(),
            generation: snapshot.generation,
        })
    }
}

/// The newest scans, of one status or of all.
async fn scans(host: &Host, status: Option<Status>, limit: usize) -> Result<Vec<StatusReply>, Refusal> {
    let listed = host.scans.list_on(ListQuery { status, limit, ..ListQuery::default() }).await?;
    let mut scans = Vec::new();
    for scan in listed {
        let position = host.scans.position(&scan).await?;
        scans.push(StatusReply::new(&scan, position));
    }
    Ok(scans)
}
