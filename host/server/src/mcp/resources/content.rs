//! Reads the resource at an address.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rmcp::model::ResourceContents;
use scanhost_app::{
    address::Address,
    find,
    host::Host,
    housekeeping::accessed,
    profile_list::reply as profile_reply,
    refusal::{ErrorCode, Refusal},
    reply::StatusReply,
    scanner_list::scanners,
    scans::{
        native_report::report as report_path,
        results::{Args, Budget, lines},
    },
    snapshot::named::{find_pool, find_profile},
};
use scanhost_domain::ids::{TaskId, TraceId};
use serde::Serialize;

use super::super::arguments::{parse, schema};

pub const JSON: &str = "application/json";
pub const JSON_LINES: &str = "application/jsonl";

/// How long clients may cache a resource that can change at any time.
const PASSING: Duration = Duration::from_secs(1);

/// How long clients may cache a resource that changes only when somebody deletes it.
const LASTING: Duration = Duration::from_secs(60);

/// A resource, and how long clients may keep it.
pub struct Content {
    pub contents: ResourceContents,
    pub keep: Duration,
    /// The trace id of the scan, if the content does not have it.
    pub trace: Option<TraceId>,
}

/// Reads the resource at the address.
pub async fn read(host: &Arc<Host>, address: Address) -> Result<Content, Refusal> {
    let uri = address.to_string();
    match address {
        Address::Scan(id) => {
            let scan = find::scan(host, id.as_str()).await?;
            let position = host.scans.position(&scan).await?;
            let keep = if scan.is_finished() { LASTING } else { PASSING };
            json(&StatusReply::new(&scan, position), uri, keep)
        }
        Address::Results(id, mut given) => {
            given.insert("task_id".into(), id.to_string().into());
            let (lines, trace) = lines(host, parse(&schema::<Args>(), &given)?, Budget::Resource).await?;
            let contents = ResourceContents::text(lines, uri).with_mime_type(JSON_LINES);
            Ok(Content { contents, keep: LASTING, trace: Some(trace) })
        }
        Address::Report(id) => report(host, &id, uri).await,
        Address::Scanner { pool, instance } => {
            let snapshot = host.snapshot.load_full();
            let pool = find_pool(&snapshot, &pool)?;
            let mut scanners = scanners(host, Some(&pool)).await?;
            let index = scanners.iter().position(|scanner| scanner.instance_id == instance);
            let index = index.ok_or_else(|| {
                let names: Vec<_> = scanners.iter().map(|scanner| scanner.instance_id.as_str()).collect();
                let hint = format!("Scanners of this pool are: {}.", names.join(", "));
                Refusal::new(ErrorCode::NotFound, format!("pool `{pool}` has no such scanner"), hint)
            })?;
            json(&scanners.swap_remove(index), uri, PASSING)
        }
        Address::Profile(name) => {
            let snapshot = host.snapshot.load_full();
            let name = find_profile(&snapshot, &name)?;
            let profile = snapshot.profile(&name).ok_or_else(|| {
                Refusal::new(ErrorCode::NotFound, "there is no such profile", "list_profiles shows those that exist.")
            })?;
            json(&profile_reply(profile), uri, PASSING)
        }
    }
}

fn json(reply: &impl Serialize, uri: String, keep: Duration) -> Result<Content, Refusal> {
    let text = serde_json::to_string(reply).map_err(|error| Refusal::internal("writing the reply", &error))?;
    Ok(Content { contents: ResourceContents::text(text, uri).with_mime_type(JSON), keep, trace: None })
}

/// The native report, unless it is too large for an answer.
async fn report(host: &Arc<Host>, id: &TaskId, uri: String) -> Result<Content, Refusal> {
    let scan = find::scan(host, id.as_str()).await?;
    let path = report_path(host, &scan).await?;
    accessed(host, id).await;
    let limit = host.snapshot.load().config.limits.all_bytes;
    let reading = host.tasks.spawn_blocking(move || read_up_to(&path, limit));
    let read = reading.await.map_err(|error| Refusal::internal("reading the report", &error))?;
    let bytes = read.map_err(|error| Refusal::internal("reading the report", &error))?.ok_or_else(|| {
        Refusal::new(
            ErrorCode::Conflict,
            format!("the report has more than {limit} bytes, too many for one answer"),
            "download_native_scan shows where the file is; get_scan_results returns its findings in pages.",
        )
    })?;
    let is_xml = bytes.trim_ascii_start().starts_with(b"<");
    let contents = match String::from_utf8(bytes) {
        Ok(text) => {
            ResourceContents::text(text, uri).with_mime_type(if is_xml { "application/xml" } else { "text/plain" })
        }
        Err(other) => ResourceContents::blob(BASE64_STANDARD.encode(other.as_bytes()), uri)
            .with_mime_type("application/octet-stream"),
    };
    Ok(Content { contents, keep: LASTING, trace: Some(scan.trace) })
}

fn read_up_to(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let size = fs::metadata(path)?.len();
    if size > u64::try_from(limit).unwrap_or(u64::MAX) { Ok(None) } else { fs::read(path).map(Some) }
}

/// Returns a text that differs once the resource has changed. For findings and reports it is the state of their scan.
pub async fn state(host: &Arc<Host>, address: &Address) -> Result<String, Refusal> {
    match address {
        Address::Results(id, _) | Address::Report(id) => {
            Ok(find::scan(host, id.as_str()).await?.status().name().to_owned())
        }
        Address::Scan(_) | Address::Scanner { .. } | Address::Profile(_) => {
            let read = read(host, address.clone()).await?;
            serde_json::to_string(&read.contents).map_err(|error| Refusal::internal("writing the reply", &error))
        }
    }
}
