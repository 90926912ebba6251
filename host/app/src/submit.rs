//! Turns an agent's arguments into a scan in the queue. Everything is checked before anything is stored.

mod args;
mod login;
mod reply;
mod stored_pool;
mod wait;

use std::{str::FromStr, sync::Arc};

use jiff::SignedDuration;
use scanhost_config::Pool;
use scanhost_domain::{
    ids::{IdempotencyKey, TaskId, TraceId},
    request::{Login, ScanRequest, ScanType},
    scan::Scan,
    target::Targets,
};
use scanhost_outbound::trace_context;
use scanhost_store::{Adoption, Idempotency, NewScan, Submitted};
use scanhost_system::{clock, disk};
use serde_json::{Map, Value as Json};

pub use args::{CONFIRM_ARGUMENT, ESCALATION_ARGUMENTS, LOGIN_ARGUMENTS, SubmitArgs};

use crate::{
    host::Host,
    refusal::{ErrorCode, Refusal},
    snapshot::{
        Snapshot,
        named::{choose_pool, find_instance, find_profile, permit_pool, permit_profile, permit_type},
    },
};
use login::{find_credential, login};

pub use reply::SubmitReply;
pub use stored_pool::find_stored_pool;

const MAX_NAME: usize = 256;
const MAX_DESCRIPTION: usize = 4_096;

/// The trace id and the idempotency keys of a call.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub trace: Option<TraceId>,
    /// The values of the headers `X-Idempotency-Key`.
    pub idempotency_keys: Vec<String>,
}

/// A scan that is in the queue, or was before.
pub struct Submission {
    pub scan: Scan,
    pub position: Option<u64>,
    pub estimated_wait_seconds: u64,
    pub idempotent: bool,
}

/// Checks the request, and puts it into the queue.
///
/// # Errors
/// Fails if the request is malformed, refused by the policy, or cannot be stored. Nothing is stored then.
pub async fn submit(
    host: &Arc<Host>,
    caller: &Caller,
    tool: &str,
    raw: &Map<String, Json>,
    scan_type: ScanType,
    args: SubmitArgs,
) -> Result<Submission, Refusal> {
    let snapshot = host.snapshot.load_full();
    let id = new_task_id();
    let key = idempotency_key(caller, args.idempotency_key.as_deref())?;
    let now = clock::now();
    let retention = snapshot.config.retention.idempotency;
    let idempotency = key.map(|key| Idempotency {
        key,
        request_hash: host.sealer.keyed_hash(&canonical(tool, raw)),
        expires_at: now + SignedDuration::try_from(retention).unwrap_or(SignedDuration::from_hours(48)),
    });
    // A repeated request is answered by its first scan, whatever configuration, policy and queue are like by now.
    if let Some(idempotency) = &idempotency
        && let Some(known) = host.scans.known(idempotency, now).await?
    {
        return answer(host, &snapshot, known).await;
    }
    if !disk::has_room(&host.data) {
        return Err(Refusal::no_room());
    }
    if let Some(reason) = host.store_watch.emptied() {
        return Err(Refusal::new(ErrorCode::Unavailable, reason, "Tell the operator, and call again later."));
    }
    let pool = choose_pool(&snapshot, args.scanner_pool.as_deref())?;
    let request = check(&snapshot, pool, scan_type, args, host, &id)?;
    let trace = caller.trace.clone().unwrap_or_else(new_trace_id);
    let new = NewScan {
        id,
        trace,
        request,
        created_at: now,
        retry_of: None,
        idempotency,
        max_depth: pool.max_depth,
        adopts: None,
    };
    answer(host, &snapshot, host.scans.submit(new).await?).await
}

async fn answer(host: &Arc<Host>, snapshot: &Snapshot, submitted: Submitted) -> Result<Submission, Refusal> {
    match submitted {
        Submitted::New { scan, position } => {
            let estimated_wait_seconds = wait::estimate(host, snapshot, &scan.request.pool, position).await;
            Ok(Submission { scan, position: Some(position), estimated_wait_seconds, idempotent: false })
        }
        Submitted::Known(scan) => {
            let position = host.scans.position(&scan).await?;
            let estimated_wait_seconds = match position {
                Some(position) => wait::estimate(host, snapshot, &scan.request.pool, position).await,
                None => 0,
            };
            Ok(Submission { scan, position, estimated_wait_seconds, idempotent: true })
        }
        Submitted::KeyTaken => Err(Refusal::new(
            ErrorCode::Conflict,
            "the idempotency key was used for another request",
            "Repeat the first request exactly, or use a new idempotency_key.",
        )),
        Submitted::Full { pool, depth } => Err(Refusal::new(
            ErrorCode::Unavailable,
            format!("the queue of pool `{pool}` is full: {depth} scans wait"),
            "Try again later, or name another scanner_pool (list_pools shows them).",
        )),
    }
}

/// Checks whether a request that was permitted once is still permitted.
pub fn permit_again(snapshot: &Snapshot, request: &ScanRequest) -> Result<(), Refusal> {
    permit_pool(snapshot, &request.pool)?;
    let pool = choose_pool(snapshot, Some(request.pool.as_str()))?;
    if let Some(instance) = &request.instance {
        find_instance(pool, instance.as_str())?;
    }
    if let Login::Named(named) = &request.login {
        find_credential(snapshot, named.credential.as_str())?;
    }
    permit_profile(snapshot, request)?;
    permit_targets(pool, &request.targets)
}

/// A new id: it sorts by time and cannot be guessed.
/// A scan that an operator starts: no key stands for it, and it waits however long the queue is.
pub fn by_operator(request: ScanRequest, retry_of: Option<TaskId>, adopts: Option<Adoption>) -> NewScan {
    NewScan {
        id: new_task_id(),
        trace: new_trace_id(),
        request,
        created_at: clock::now(),
        retry_of,
        idempotency: None,
        max_depth: u64::MAX,
        adopts,
    }
}

pub fn new_task_id() -> TaskId {
    ulid::Ulid::generate().to_string().try_into().expect("a ULID is a task id")
}

pub fn new_trace_id() -> TraceId {
    let trace = rand::random::<u128>().max(1);
    format!("{trace:032x}").try_into().expect("32 hexadecimal digits are a trace id")
}

/// The trace id of the first `traceparent` that is one, or of a plain `X-Trace-Id`.
pub fn parse_trace<'a>(traceparents: impl Iterator<Item = &'a str>, trace_id: Option<&str>) -> Option<TraceId> {
    let mut of_parents = traceparents.filter_map(|text| trace_context::trace_id(text.trim())?.parse().ok());
    of_parents.next().or_else(|| trace_id?.trim().parse().ok())
}

fn idempotency_key(caller: &Caller, argument: Option<&str>) -> Result<Option<IdempotencyKey>, Refusal> {
    let mut given = argument.into_iter().chain(caller.idempotency_keys.iter().map(String::as_str));
    let text = given.next();
    if given.any(|other| Some(other) != text) {
        return Err(Refusal::invalid(
            "the argument idempotency_key and the headers X-Idempotency-Key differ",
            "Give one of them, or the same value in all.",
        ));
    }
    let hint = "Use any short text of your own, such as a UUID.";
    let parse = |text: &str| IdempotencyKey::from_str(text).map_err(|error| Refusal::invalid(error.to_string(), hint));
    text.map(parse).transpose()
}

fn check(
    snapshot: &Snapshot,
    pool: &Pool,
    scan_type: ScanType,
    args: SubmitArgs,
    host: &Host,
    id: &TaskId,
) -> Result<ScanRequest, Refusal> {
    let name = args.name.trim();
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            format!("name must not be blank, and must have at most {MAX_NAME} bytes and no control characters"),
            "Give the scan a short name that people recognise.",
        ));
    }
    if args.description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION) {
        return Err(Refusal::invalid(
            format!("description has more than {MAX_DESCRIPTION} bytes"),
            "Shorten the description.",
        ));
    }
    permit_targets(pool, &args.targets)?;
    let profile = args.schema_profile.as_deref().map(|name| find_profile(snapshot, name)).transpose()?;
    let instance = args.scanner_instance.as_deref().map(|name| find_instance(pool, name)).transpose()?;
    permit_type(snapshot, pool, instance.as_ref(), scan_type)?;
    Ok(ScanRequest {
        scan_type,
        targets: args.targets.trim().to_owned(),
        name: name.to_owned(),
        description: args.description.filter(|text| !text.trim().is_empty()),
        profile,
        pool: pool.name.clone(),
        instance,
        login: login(snapshot, scan_type, args.login, host, id)?,
    })
}

fn permit_targets(pool: &Pool, targets: &str) -> Result<(), Refusal> {
    let targets = Targets::parse(targets).map_err(|error| {
        Refusal::invalid(
            error.to_string(),
            "targets takes addresses, CIDRs, ranges (10.0.0.1-20) and host names, separated by commas or blanks.",
        )
    })?;
    let permitted = pool.policy.permit(&targets).map(drop);
    permitted.map_err(|refusal| {
        let hint = format!("pool `{}`: {}", pool.name, refusal.hint());
        Refusal::new(ErrorCode::TargetNotAllowed, refusal.to_string(), hint)
    })
}

/// Encodes a request so that equal requests have equal bytes: keys sorted, null as absent, no idempotency key.
fn canonical(tool: &str, raw: &Map<String, Json>) -> Vec<u8> {
    let mut arguments: Vec<_> =
        raw.iter().filter(|(name, value)| name.as_str() != "idempotency_key" && !value.is_null()).collect();
    arguments.sort_by_key(|(name, _)| name.as_str());
    serde_json::to_vec(&(tool, arguments)).expect("JSON is always JSON")
}
