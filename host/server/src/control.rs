//! What an operator may ask of a running host, from another process: over a socket in the data folder, one JSON object
//! a line, or in the same process where no other runs. Who can open the socket may do everything.

mod client;
mod server;

use std::{
    fs::File,
    io,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use scanhost_app::{
    audit::{Entry, shortened},
    host::Host,
    plugin_list,
    plugins::Plugin,
    refusal::{ErrorCode, Refusal},
    reload,
    reply::StatusReply,
    submit::{find_stored_pool, new_task_id, new_trace_id, permit_again},
};
use scanhost_domain::{
    ids::TaskId,
    request::Login,
    scan::{Outcome, Scan, ScanState},
};
use scanhost_store::{NewScan, StoreError};
use scanhost_system::clock;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

pub use client::{Control, connect_mcp};
pub use server::listen;

use crate::mcp;

/// The socket's name in the data folder.
pub const SOCKET_NAME: &str = "scanhost.sock";

/// An address of the socket that fits: a path of more than about a hundred bytes cannot be one, but the folder's handle
/// stands for it. The address is good for as long as the handle is open.
fn socket_address(data: &Path) -> io::Result<(PathBuf, File)> {
    const LONGEST: usize = 100;
    let folder = File::open(data)?;
    let path = data.join(SOCKET_NAME);
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(SOCKET_NAME);
    Ok((if path.as_os_str().len() > LONGEST { short } else { path }, folder))
}

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// A tool, as an agent would call it. Its reply is its structured content.
    Tool {
        name: String,
        arguments: Map<String, Json>,
    },
    Pause {
        pool: String,
    },
    Resume {
        pool: String,
    },
    DeadLetters {
        pool: Option<String>,
    },
    DeadLetter {
        task_id: String,
    },
    RetryDeadLetter {
        task_id: String,
    },
    /// What is loaded, and why something is not.
    Plugins,
    /// The plugin's last good version in the place of the present one.
    RollBack {
        plugin: String,
    },
    /// The plugin's configured file again, after that.
    UseFile {
        plugin: String,
    },
    /// Of one scan, of one pool, or all.
    PurgeDeadLetters {
        task_id: Option<String>,
        pool: Option<String>,
    },
}

impl Request {
    /// What the audit log calls it.
    pub fn action(&self) -> &str {
        match self {
            Self::Tool { name, .. } => name,
            Self::Pause { .. } => "queue pause",
            Self::Resume { .. } => "queue resume",
            Self::DeadLetters { .. } => "dlq list",
            Self::DeadLetter { .. } => "dlq show",
            Self::RetryDeadLetter { .. } => "dlq retry",
            Self::PurgeDeadLetters { .. } => "dlq purge",
            Self::Plugins => "plugin list",
            Self::RollBack { .. } => "plugin rollback",
            Self::UseFile { .. } => "plugin rollback --clear",
        }
    }

    fn entry(&self, via: &'static str) -> Entry {
        let entry = Entry::new("operator", via, self.action(), "ok");
        match self {
            Self::Tool { arguments, .. } => entry.about(arguments),
            Self::Pause { pool } | Self::Resume { pool } => Entry { scanner_pool: Some(shortened(pool)), ..entry },
            Self::DeadLetters { pool } => Entry { scanner_pool: pool.as_deref().map(shortened), ..entry },
            Self::DeadLetter { task_id } | Self::RetryDeadLetter { task_id } => {
                Entry { task_id: Some(shortened(task_id)), ..entry }
            }
            Self::PurgeDeadLetters { task_id, pool } => Entry {
                task_id: task_id.as_deref().map(shortened),
                scanner_pool: pool.as_deref().map(shortened),
                ..entry
            },
            Self::RollBack { plugin } | Self::UseFile { plugin } => {
                Entry { resource: Some(shortened(plugin)), ..entry }
            }
            Self::Plugins => entry,
        }
    }
}

/// Does it, and notes that an operator asked for it in this way.
///
/// # Errors
/// As [`perform`].
async fn perform_noted(host: &Arc<Host>, via: &'static str, request: Request) -> Result<Json, Refusal> {
    let entry = request.entry(via);
    let answer = perform(host, request).await;
    host.audit.note(entry.answered(answer.as_ref().map(Some)));
    answer
}

/// Does it.
///
/// # Errors
/// With what an operator has to know.
pub async fn perform(host: &Arc<Host>, request: Request) -> Result<Json, Refusal> {
    match request {
        Request::Tool { name, arguments } => mcp::call(host, &name, arguments).await,
        Request::Pause { pool } => set_paused(host, &pool, true).await,
        Request::Resume { pool } => set_paused(host, &pool, false).await,
        Request::DeadLetters { pool } => {
            let mut letters = Vec::new();
            for scan in dead_letters(host, pool.as_deref()).await? {
                letters.push(summary(&scan));
            }
            Ok(json!({ "dead_letters": letters }))
        }
        Request::DeadLetter { task_id } => {
            let scan = dead_letter(host, &task_id).await?;
            Ok(
                json!({ "status": StatusReply::new(&scan, None), "request": scanhost_app::reply::SettingsReply::new(&scan) }),
            )
        }
        Request::RetryDeadLetter { task_id } => retry(host, &task_id).await,
        Request::Plugins => Ok(plugin_list::listed(host)),
        Request::RollBack { plugin } => {
            reload::roll_back(host, &plugin, "an operator rolled it back").await.map(|plugin| version_in_use(&plugin))
        }
        Request::UseFile { plugin } => reload::use_file(host, &plugin).await.map(|plugin| version_in_use(&plugin)),
        Request::PurgeDeadLetters { task_id, pool } => {
            let ids: Vec<TaskId> = match task_id {
                Some(task_id) => vec![dead_letter(host, &task_id).await?.id],
                None => dead_letters(host, pool.as_deref()).await?.into_iter().map(|scan| scan.id).collect(),
            };
            Ok(json!({ "purged": host.store.purge_dead_letters(&ids).await? }))
        }
    }
}

fn version_in_use(plugin: &Plugin) -> Json {
    json!({ "name": plugin.name, "sha256": plugin.digest().to_string(), "generation": plugin.generation })
}

async fn set_paused(host: &Arc<Host>, pool: &str, paused: bool) -> Result<Json, Refusal> {
    let pool = find_stored_pool(host, pool).await?;
    host.store.pause(&pool, paused).await?;
    tracing::info!(%pool, paused, "pool");
    Ok(json!({ "pool": pool.as_str(), "paused": paused }))
}

/// The failed scans that nobody has dealt with, the oldest first.
async fn dead_letters(host: &Arc<Host>, pool: Option<&str>) -> Result<Vec<Scan>, Refusal> {
    let pool = match pool {
        Some(pool) => Some(find_stored_pool(host, pool).await?),
        None => None,
    };
    let mut scans = Vec::new();
    for letter in host.store.dead_letters(pool.as_ref()).await? {
        match host.store.scan(&letter.id).await {
            // Where it is asked for by its id, its error tells more.
            Err(StoreError::Damaged(_)) => {}
            // None when it was deleted since, with its letter.
            other => scans.extend(other?),
        }
    }
    Ok(scans)
}

async fn dead_letter(host: &Arc<Host>, task_id: &str) -> Result<Scan, Refusal> {
    let letters = host.store.dead_letters(None).await?;
    let scan = match letters.iter().find(|letter| letter.id.as_str().eq_ignore_ascii_case(task_id.trim())) {
        Some(letter) => host.store.scan(&letter.id).await?,
        None => None,
    };
    scan.ok_or_else(|| {
        Refusal::new(ErrorCode::NotFound, "there is no dead letter of that id", "`scanhost dlq list` shows them.")
    })
}

/// Runs the scan again, as a new one.
async fn retry(host: &Arc<Host>, task_id: &str) -> Result<Json, Refusal> {
    let scan = dead_letter(host, task_id).await?;
    let had_secrets = match &scan.request.login {
        Login::None => false,
        Login::Named(named) => named.escalation.as_ref().is_some_and(|escalation| escalation.has_password),
        Login::Inline(_) => true,
    };
    if had_secrets {
        return Err(Refusal::new(
            ErrorCode::Conflict,
            "the scan's secrets were erased when it ended, so it cannot be run again as it was",
            "Submit it again with its credentials; scans with a configured `credential` can be retried.",
        ));
    }
    let problems = host.reloads.problems_from_start();
    if !problems.is_empty() {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(Refusal::new(ErrorCode::Unavailable, told.join("; "), "Nothing has changed."));
    }
    permit_again(&host.snapshot.load(), &scan.request)?;
    let new = NewScan {
        id: new_task_id(),
        trace: new_trace_id(),
        request: scan.request.clone(),
        created_at: clock::now(),
        retry_of: Some(scan.id.clone()),
        idempotency: None,
        max_depth: u64::MAX,
    };
    match host.store.retry_dead_letter(new).await? {
        Some(new) => {
            tracing::info!(scan = %new.id, trace = %new.trace, retry_of = %scan.id, "dead letter retried");
            Ok(json!({ "task_id": new.id.as_str(), "retry_of": scan.id.as_str() }))
        }
        None => {
            Err(Refusal::new(ErrorCode::NotFound, "there is no dead letter of that id", "It was dealt with just now."))
        }
    }
}

fn summary(scan: &Scan) -> Json {
    let (code, message, failed_at) = match &scan.state {
        ScanState::Finished(finished) => match &finished.outcome {
            Outcome::Failed(failure) => (failure.code.name(), failure.message.as_str(), Some(finished.completed_at)),
            Outcome::Completed(_) | Outcome::Timeout | Outcome::Cancelled => ("", "", Some(finished.completed_at)),
        },
        ScanState::Queued(_) | ScanState::Running(_) => ("", "", None),
    };
    json!({
        "task_id": scan.id.as_str(), "pool": scan.request.pool.as_str(), "name": scan.request.name,
        "failed_at": failed_at, "code": code, "message": message,
    })
}
