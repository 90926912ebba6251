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
    dead_letters::{self, DeadLetterReply},
    host::Host,
    orphans::command::{self as orphans, Selection},
    plugin_list,
    plugins::Plugin,
    pools::{
        self,
        pause::{Paused, set_paused},
    },
    refusal::Refusal,
    reload,
    reply::{SettingsReply, StatusReply},
    scans::{self, wait::NoWatcher},
    submit::{Caller, SubmitArgs, SubmitReply, submit},
};
use scanhost_domain::request::ScanType;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

pub use client::{Control, connect_mcp};
pub use server::listen;

/// The tool that submits scans from the network.
const SUBMIT_TOOL: &str = "run_untrusted_scan";

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
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Submits a scan from the network.
    Submit {
        targets: String,
        name: String,
        scanner_pool: Option<String>,
    },
    /// Waits for the end of a scan, at most so many seconds.
    Wait {
        task_id: String,
        timeout_seconds: u64,
    },
    Cancel {
        task_id: String,
    },
    /// One page of the scans that fit.
    Scans {
        status: Option<String>,
        scanner_pool: Option<String>,
        target: Option<String>,
        limit: i64,
        cursor: Option<String>,
    },
    Compare {
        baseline_task_id: String,
        task_id: String,
        limit: usize,
        skip: usize,
    },
    Pools,
    PoolStatus {
        pool: String,
    },
    QueueStatus {
        pool: String,
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
    /// Retries all dead letters, or those of a pool, with an error code, or both.
    RetryDeadLetters {
        pool: Option<String>,
        code: Option<String>,
    },
    /// Reads the kept report of an ended scan again, as a new scan.
    Reread {
        task_id: String,
    },
    /// Scans at the scanners that carry the installation's mark and that no task owns.
    Orphans,
    /// Makes tasks of orphans: of one, or of all where `orphan` is absent.
    AdoptOrphans {
        orphan: Option<String>,
    },
    /// Stops and removes orphans at their scanners: one, or all where `orphan` is absent.
    RemoveOrphans {
        orphan: Option<String>,
    },
    /// Lets the host stop and remove its own scans at the scanners by itself again.
    TrustStore,
    /// What is loaded, and why something is not.
    Plugins,
    /// Puts the plugin's last good version in the place of the present one.
    RollBack {
        plugin: String,
    },
    /// Goes back to the plugin's configured file after that.
    UseFile {
        plugin: String,
    },
    /// Takes away the dead letter of one scan, of one pool, or all.
    PurgeDeadLetters {
        task_id: Option<String>,
        pool: Option<String>,
    },
}

impl Request {
    /// Its name in the audit log; that of the tool where agents have one for it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Submit { .. } => SUBMIT_TOOL,
            Self::Wait { .. } => "wait_for_scan",
            Self::Cancel { .. } => "cancel_scan",
            Self::Scans { .. } => "list_scans",
            Self::Compare { .. } => "compare_scans",
            Self::Pools => "list_pools",
            Self::PoolStatus { .. } => "get_pool_status",
            Self::QueueStatus { .. } => "get_queue_status",
            Self::Pause { .. } => Paused::Yes.action(),
            Self::Resume { .. } => Paused::No.action(),
            Self::DeadLetters { .. } => "dlq list",
            Self::DeadLetter { .. } => "dlq show",
            Self::RetryDeadLetter { .. } | Self::RetryDeadLetters { .. } => "dlq retry",
            Self::PurgeDeadLetters { .. } => "dlq purge",
            Self::Reread { .. } => "reread",
            Self::Orphans => "orphans list",
            Self::AdoptOrphans { .. } => "orphans adopt",
            Self::RemoveOrphans { .. } => "orphans remove",
            Self::TrustStore => "orphans trust",
            Self::Plugins => "plugin list",
            Self::RollBack { .. } => "plugin rollback",
            Self::UseFile { .. } => "plugin rollback --clear",
        }
    }

    fn entry(&self, via: &'static str) -> Entry {
        let entry = Entry::new("operator", via, self.action(), "ok");
        let short = |text: &Option<String>| text.as_deref().map(shortened);
        match self {
            Self::Submit { targets, scanner_pool, .. } => {
                Entry { targets: Some(shortened(targets)), scanner_pool: short(scanner_pool), ..entry }
            }
            Self::Wait { task_id, .. }
            | Self::Cancel { task_id }
            | Self::Compare { task_id, .. }
            | Self::DeadLetter { task_id }
            | Self::Reread { task_id }
            | Self::RetryDeadLetter { task_id } => Entry { task_id: Some(shortened(task_id)), ..entry },
            Self::PoolStatus { pool } | Self::QueueStatus { pool } | Self::Pause { pool } | Self::Resume { pool } => {
                Entry { scanner_pool: Some(shortened(pool)), ..entry }
            }
            Self::Scans { scanner_pool: pool, .. }
            | Self::DeadLetters { pool }
            | Self::RetryDeadLetters { pool, .. } => Entry { scanner_pool: short(pool), ..entry },
            Self::PurgeDeadLetters { task_id, pool } => {
                Entry { task_id: short(task_id), scanner_pool: short(pool), ..entry }
            }
            Self::RollBack { plugin } | Self::UseFile { plugin } => {
                Entry { resource: Some(shortened(plugin)), ..entry }
            }
            Self::AdoptOrphans { orphan } | Self::RemoveOrphans { orphan } => {
                Entry { resource: short(orphan), ..entry }
            }
            Self::Pools | Self::Orphans | Self::TrustStore | Self::Plugins => entry,
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
async fn perform(host: &Arc<Host>, request: Request) -> Result<Json, Refusal> {
    let tool = request.action();
    match request {
        Request::Submit { targets, name, scanner_pool } => {
            let raw = json!({ "targets": targets, "name": name, "scanner_pool": scanner_pool });
            let args = SubmitArgs { targets, name, scanner_pool, ..SubmitArgs::default() };
            let raw = raw.as_object().cloned().unwrap_or_default();
            let caller = Caller::default();
            let submitting = submit(host, &caller, tool, &raw, ScanType::Untrusted, args);
            json_of(SubmitReply::from(host.metrics.measure_tool(tool, submitting).await?))
        }
        Request::Wait { task_id, timeout_seconds } => {
            let args = scans::wait::Args { task_id, timeout_seconds };
            let mut watcher = NoWatcher;
            let waiting = scans::wait::wait(host, &args, &mut watcher, std::future::pending());
            json_of(host.metrics.measure_tool(tool, waiting).await?.1)
        }
        Request::Cancel { task_id } => {
            json_of(host.metrics.measure_tool(tool, scans::cancel::cancel(host, &task_id)).await?)
        }
        Request::Scans { status, scanner_pool, target, limit, cursor } => {
            let args = scans::list::Args { status, scanner_pool, target, limit, cursor, ..Default::default() };
            json_of(host.metrics.measure_tool(tool, scans::list::list(host, args)).await?)
        }
        Request::Compare { baseline_task_id, task_id, limit, skip } => {
            let args = scans::compare::Args { baseline_task_id, task_id, limit, skip };
            json_of(host.metrics.measure_tool(tool, scans::compare::compare(host, args)).await?)
        }
        Request::Pools => json_of(host.metrics.measure_tool(tool, pools::list::list(host)).await?),
        Request::PoolStatus { pool } => {
            let args = pools::status::Args { scanner_pool: Some(pool) };
            json_of(host.metrics.measure_tool(tool, pools::status::status(host, args)).await?)
        }
        Request::QueueStatus { pool } => {
            let args = pools::queue::Args { scanner_pool: Some(pool) };
            json_of(host.metrics.measure_tool(tool, pools::queue::queue(host, args)).await?)
        }
        Request::Pause { pool } => json_of(set_paused(host, &pool, Paused::Yes).await?),
        Request::Resume { pool } => json_of(set_paused(host, &pool, Paused::No).await?),
        Request::DeadLetters { pool } => {
            let scans = dead_letters::list(host, pool.as_deref()).await?;
            let letters: Vec<_> = scans.iter().map(DeadLetterReply::from).collect();
            Ok(json!({ "dead_letters": letters }))
        }
        Request::DeadLetter { task_id } => {
            let scan = dead_letters::find(host, &task_id).await?;
            Ok(json!({ "status": StatusReply::new(&scan, None), "request": SettingsReply::new(&scan) }))
        }
        Request::RetryDeadLetters { pool, code } => {
            json_of(dead_letters::retry_all(host, pool.as_deref(), code.as_deref()).await?)
        }
        Request::RetryDeadLetter { task_id } => json_of(dead_letters::retry(host, &task_id).await?),
        Request::PurgeDeadLetters { task_id, pool } => {
            json_of(dead_letters::purge(host, task_id.as_deref(), pool.as_deref()).await?)
        }
        Request::Reread { task_id } => json_of(scans::reread::reread(host, &task_id).await?),
        Request::Orphans => json_of(orphans::list(host).await),
        Request::AdoptOrphans { orphan } => json_of(orphans::adopt(host, &selection(orphan)).await?),
        Request::RemoveOrphans { orphan } => json_of(orphans::remove(host, &selection(orphan)).await?),
        Request::TrustStore => json_of(orphans::trust_store(host).await?),
        Request::Plugins => Ok(plugin_list::list(host)),
        Request::RollBack { plugin } => {
            reload::roll_back(host, &plugin, "an operator rolled it back").await.map(|plugin| version_in_use(&plugin))
        }
        Request::UseFile { plugin } => reload::use_file(host, &plugin).await.map(|plugin| version_in_use(&plugin)),
    }
}

fn selection(orphan: Option<String>) -> Selection {
    orphan.map_or(Selection::All, Selection::One)
}

fn json_of(reply: impl Serialize) -> Result<Json, Refusal> {
    serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))
}

fn version_in_use(plugin: &Plugin) -> Json {
    json!({ "name": plugin.name, "sha256": plugin.digest().to_string(), "generation": plugin.generation })
}
