//! MCP: the only place that names rmcp. Each tool has a file of its own; `tool_list` lists them, and `handler` answers the
//! requests of clients.

mod arguments;
mod audited_request;
mod cancel_scan;
pub mod compare_scans;
mod completion;
mod confirm;
mod context;
mod delete_scan;
pub mod download_native_scan;
mod effect;
mod error;
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
mod implementation;
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
mod tool_list;
mod toolset;
pub mod transport;
mod wait_for_scan;

pub use offered::Offered;

pub use tool_list::tool_names;

pub use toolset::Offer;

/// The library's own lines: below `warn` they hold whole requests, with the passwords among their arguments, so those
/// are never logged, whatever level an operator asks for.
pub fn is_loggable(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::WARN || !metadata.target().starts_with("rmcp")
}
