//! The scanners and their status.

use scanhost_domain::{
    breaker::Circuit,
    ids::{PoolName, ScannerId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{host::Host, refusal::Refusal, snapshot::named::find_pool};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// only scanners of this pool
    #[serde(default)]
    pub scanner_pool: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub scanners: Vec<ScannerReply>,
}

#[derive(Serialize, JsonSchema)]
pub struct ScannerReply {
    pub pool: String,
    /// value for scanner_instance
    pub instance_id: String,
    pub name: String,
    pub backend: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub enabled: bool,
    /// whether it answered the last check; null before the first check
    pub up: Option<bool>,
    /// what it says about itself, or why it is not up and what to do
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// closed (takes scans), open (gets no scans after repeated failures) or half_open (being tried again)
    pub circuit: &'static str,
    pub active_scans: u32,
    pub max_concurrent_scans: u32,
}

/// The scanners of a pool, or of all pools.
pub async fn list(host: &Host, args: Args) -> Result<Reply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let pool = args.scanner_pool.as_deref().map(|name| find_pool(&snapshot, name)).transpose()?;
    Ok(Reply { scanners: scanners(host, pool.as_ref()).await? })
}

/// The scanners of one pool, or of all.
pub async fn scanners(host: &Host, pool: Option<&PoolName>) -> Result<Vec<ScannerReply>, Refusal> {
    let snapshot = host.snapshot.load_full();
    let (active, reports) = (host.scans.active().await?, host.scanner_reports.scanner_reports().await?);
    let report = |id: &ScannerId| reports.iter().find(|(scanner, _)| scanner == id).map(|(_, report)| report);
    let wanted = snapshot.scanners.iter().filter(|scanner| pool.is_none_or(|pool| scanner.id.pool == *pool));
    let scanners = wanted.map(|scanner| ScannerReply {
        pool: scanner.id.pool.to_string(),
        instance_id: scanner.id.instance.to_string(),
        name: scanner.config.name.clone(),
        backend: scanner.config.backend.to_string(),
        url: scanner.config.url.as_ref().map(shown_url),
        enabled: scanner.config.enabled,
        up: report(&scanner.id).map(|report| report.up),
        message: report(&scanner.id).map(|report| report.message.clone()),
        circuit: report(&scanner.id).map_or(Circuit::Closed, |report| report.circuit).name(),
        active_scans: active.iter().find(|(id, _)| *id == scanner.id).map_or(0, |(_, count)| *count),
        max_concurrent_scans: scanner.config.max_concurrent_scans,
    });
    Ok(scanners.collect())
}

/// Returns the address without user, password and query, which may be secrets.
fn shown_url(url: &url::Url) -> String {
    let mut shown = url.clone();
    // Fails for addresses that cannot have a user, which then have none.
    let _cannot = shown.set_username("");
    let _cannot = shown.set_password(None);
    shown.set_query(None);
    shown.to_string()
}
