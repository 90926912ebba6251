//! `list_scans`: the scans that there are, the newest first.

use scanhost_app::{find, host::Host, refusal::Refusal, reply::StatusReply, submit::find_stored_pool};
use scanhost_config::Scope;
use scanhost_domain::{request::ScanType, scan::Status, target::Target};
use scanhost_store::ListQuery;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{
    arguments::{parse, schema},
    hint,
    nature::Nature,
    tool::{About, Answer, Row, answering},
    toolset::Toolset,
};

const MAX_LIMIT: i64 = 200;

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// queued, running, completed, failed, timeout or cancelled
    #[serde(default)]
    status: Option<String>,
    /// untrusted, trusted or privileged
    #[serde(default)]
    scan_type: Option<String>,
    /// only scans of this pool
    #[serde(default)]
    scanner_pool: Option<String>,
    /// only scans whose targets contain or overlap this address, CIDR or host name
    #[serde(default)]
    target: Option<String>,
    /// scans in one answer, 1 to 200
    #[serde(default = "usual_limit")]
    limit: i64,
    /// next_cursor of the answer before
    #[serde(default)]
    cursor: Option<String>,
}

fn usual_limit() -> i64 {
    50
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub scans: Vec<StatusReply>,
    /// give it as cursor for the rest, also when there are few scans or none here; absent at the end
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

pub fn row() -> Row {
    let about = About {
        name: "list_scans",
        title: "List scans",
        description: "Lists scans, the newest first, optionally by status, type, pool or target (an address or CIDR \
            matches by containment and overlap). Use it to find a task_id again, or an earlier scan of the same target. \
            Example: {\"target\": \"10.0.0.5\", \"status\": \"completed\", \"limit\": 5}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    answering(about, |call, args: Args| async move {
        let is_narrowed = args.status.is_some()
            || args.scan_type.is_some()
            || args.scanner_pool.is_some()
            || args.target.is_some()
            || args.cursor.is_some();
        let reply = list(&call.host, args).await?;
        let is_empty = reply.scans.is_empty();
        Ok(if is_empty { Answer::With(reply, hint::no_scans(is_narrowed)) } else { Answer::Reply(reply) })
    })
}

/// The same for a person who gave the arguments by name.
///
/// # Errors
/// With what is wrong in them, or when the store cannot be read.
pub async fn read(host: &Host, given: &Map<String, Json>) -> Result<Reply, Refusal> {
    list(host, parse(&schema::<Args>(), given)?).await
}

async fn list(host: &Host, args: Args) -> Result<Reply, Refusal> {
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
    let query =
        ListQuery {
            status,
            scan_type,
            pool,
            target: target.transpose()?,
            before: args.cursor.as_deref().map(find::parse).transpose().map_err(|_| {
                Refusal::invalid("malformed cursor", "Give next_cursor as the answer before returned it.")
            })?,
            limit: usize::try_from(args.limit.clamp(1, MAX_LIMIT)).unwrap_or(1),
        };
    let listed = host.store.list(query).await?;
    let next_cursor = listed.next.map(|next| next.to_string());
    let mut scans = Vec::with_capacity(listed.scans.len());
    for scan in listed.scans {
        let position = host.store.position(&scan).await?;
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
