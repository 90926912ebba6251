//! Lists the scans, newest first.

use scanhost_domain::{request::ScanType, scan::Status, target::Target};
use scanhost_store::ListQuery;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{find, host::Host, refusal::Refusal, reply::StatusReply, submit::find_stored_pool};

const MAX_LIMIT: i64 = 200;

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// queued, running, completed, failed, timeout or cancelled
    #[serde(default)]
    pub status: Option<String>,
    /// untrusted, trusted or privileged
    #[serde(default)]
    pub scan_type: Option<String>,
    /// only scans of this pool
    #[serde(default)]
    pub scanner_pool: Option<String>,
    /// only scans whose targets contain or overlap this address, CIDR or host name
    #[serde(default)]
    pub target: Option<String>,
    /// scans per answer, 1 to 200
    #[serde(default = "usual_limit")]
    pub limit: i64,
    /// next_cursor of the previous answer
    #[serde(default)]
    pub cursor: Option<String>,
}

impl Default for Args {
    fn default() -> Self {
        Self { status: None, scan_type: None, scanner_pool: None, target: None, limit: usual_limit(), cursor: None }
    }
}

impl Args {
    /// Whether it leaves some scans out.
    pub fn is_narrowed(&self) -> bool {
        self.status.is_some()
            || self.scan_type.is_some()
            || self.scanner_pool.is_some()
            || self.target.is_some()
            || self.cursor.is_some()
    }
}

fn usual_limit() -> i64 {
    50
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub scans: Vec<StatusReply>,
    /// pass it as cursor for the rest, even after an answer with few or no scans; absent at the end
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One page of the scans that fit.
pub async fn list(host: &Host, args: Args) -> Result<Reply, Refusal> {
    let status = args.status.as_deref().map(|text| one_of(text, "status", &Status::ALL, Status::name)).transpose()?;
    let scan_type = args.scan_type.as_deref();
    let scan_type = scan_type.map(|text| one_of(text, "scan_type", &ScanType::ALL, ScanType::name)).transpose()?;
    let target = args.target.as_deref().map(|text| {
        text.trim().parse::<Target>().map_err(|error| {
            Refusal::invalid(format!("target {error}"), "target takes one address, CIDR, range or host name.")
        })
    });
    let pool = match &args.scanner_pool {
        Some(name) => Some(find_stored_pool(host, name).await?),
        None => None,
    };
    let query = ListQuery {
        status,
        scan_type,
        pool,
        target: target.transpose()?,
        before: args.cursor.as_deref().map(find::parse).transpose().map_err(|_| {
            Refusal::invalid("malformed cursor", "Give next_cursor as the previous answer returned it.")
        })?,
        limit: usize::try_from(args.limit.clamp(1, MAX_LIMIT)).unwrap_or(1),
    };
    let listed = host.scans.list(query).await?;
    let next_cursor = listed.next.map(|next| next.to_string());
    let mut scans = Vec::with_capacity(listed.scans.len());
    for scan in listed.scans {
        let position = host.scans.position(&scan).await?;
        scans.push(StatusReply::new(&scan, position));
    }
    Ok(Reply { scans, next_cursor })
}

fn one_of<T: Copy>(text: &str, argument: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, Refusal> {
    let known = all.iter().copied().find(|value| name(*value) == text);
    known.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|value| name(*value)).collect();
        Refusal::invalid(format!("{argument} has an unknown value"), format!("Values are: {}.", names.join(", ")))
    })
}
