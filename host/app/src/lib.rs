//! What scanhost does, apart from who asks for it: submitting, driving and reading scans, loading and swapping plugins
//! and configurations, housekeeping, audit and metrics. MCP, the page, the command line and the control socket are thin
//! ways into it; it knows none of them. Begin with [`host`], the state of a running process.

pub mod access;
pub mod accesses;
pub mod address;
pub mod answer;
pub mod audit;
pub mod breakers;
pub mod concurrency;
pub mod crash_mark;
pub mod dead_letters;
pub mod faults;
pub mod find;
pub mod host;
pub mod housekeeping;
pub mod metrics;
pub mod open_reports;
pub mod orphans;
pub mod plugin_file;
pub mod plugin_list;
mod plugin_log;
pub mod plugins;
pub mod pools;
pub mod profile_list;
pub mod record_file;
pub mod refusal;
pub mod reload;
pub mod reloads;
pub mod reply;
pub mod reports;
mod request_secrets;
pub mod role;
pub mod scan_folder;
pub mod scanner_list;
pub mod scanners;
pub mod scans;
pub mod scrape;
pub mod seal;
pub mod snapshot;
pub mod store_watch;
pub mod submit;
pub mod telemetry;
pub mod transitions;
mod trouble;
pub mod waits;
pub mod worker;
