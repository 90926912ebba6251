//! The tools over MCP: the only place that names rmcp. One file a tool; this one lists and calls them.

mod arguments;
mod asked;
mod cancel_scan;
pub mod compare_scans;
mod completion;
mod confirm;
mod context;
mod delete_scan;
pub mod download_native_scan;
mod error;
pub mod find;
#[cfg(feature = "conformance")]
pub mod fixtures;
mod get_pool_status;
mod get_queue_status;
pub mod get_scan_results;
mod get_scan_settings;
mod get_scan_status;
mod get_scan_summary;
mod handler;
mod hint;
mod list_pools;
mod list_profiles;
pub mod list_scanners;
pub mod list_scans;
mod malformed;
mod measured;
mod message;
mod offered;
mod prompts;
mod request_state;
mod resources;
mod run_privileged_scan;
mod run_trusted_scan;
mod run_untrusted_scan;
mod session;
mod session_owner;
mod submission;
mod subscription;
mod task;
mod tool;
mod tool_changes;
mod toolset;
pub mod transport;
mod turn;
mod wait_for_scan;

use std::sync::{Arc, LazyLock};

use rmcp::model::CallToolResponse;
use serde_json::{Map, Value as Json};

use crate::{
    host::Host,
    refusal::{ErrorCode, Refusal},
    submit::Caller,
};
pub use offered::Offered;
use tool::{Call, Row};
pub use toolset::Offer;
use turn::Turn;
pub use turn::Turns;

/// The library's own lines: below `warn` they hold whole requests, with the passwords among their arguments, so those
/// are never logged, whatever level an operator asks for.
pub fn is_loggable(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::WARN || !metadata.target().starts_with("rmcp")
}

/// Every tool, in the order in which they are listed. `confirm_privileged` is as in the configuration.
pub fn rows(confirm_privileged: bool) -> Vec<Row> {
    vec![
        run_untrusted_scan::row(),
        run_trusted_scan::row(),
        run_privileged_scan::row(confirm_privileged),
        get_scan_status::row(),
        wait_for_scan::row(),
        get_scan_summary::row(),
        get_scan_results::row(),
        compare_scans::row(),
        get_scan_settings::row(),
        download_native_scan::row(),
        cancel_scan::row(),
        delete_scan::row(),
        list_scans::row(),
        list_scanners::row(),
        list_pools::row(),
        get_pool_status::row(),
        get_queue_status::row(),
        list_profiles::row(),
    ]
}

/// The names of all tools.
pub fn tool_names() -> impl Iterator<Item = &'static str> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| rows(false).iter().map(|row| row.tool.name.to_string()).collect());
    NAMES.iter().map(String::as_str)
}

/// Calls a tool for an operator of this host, and returns its structured content.
///
/// # Errors
/// With what the tool refuses.
pub async fn call(host: &Arc<Host>, name: &str, arguments: Map<String, Json>) -> Result<Json, Refusal> {
    let rows = rows(host.snapshot.load().config.confirm_privileged);
    let row = rows.iter().find(|row| row.tool.name == name);
    let row = row.ok_or_else(|| Refusal::invalid("there is no such tool", "tools/list shows them."))?;
    let call = Call {
        host: host.clone(),
        arguments,
        caller: Caller::default(),
        input: None,
        context: None,
        turn: Turn::default(),
    };
    match (row.call)(call).await? {
        CallToolResponse::Complete(result) => Ok(result.structured_content.unwrap_or_default()),
        // Only clients are asked something, or told to come again.
        _ => Err(Refusal::new(ErrorCode::Internal, "the tool did not answer", "Tell the author.")),
    }
}
