//! The program `scanhost`: reads the command line and runs one of its verbs.

mod access;
mod answer;
mod app;
mod audit;
mod cli;
mod clock;
mod command;
mod config;
mod conformance;
mod control;
mod data_folder;
mod disk;
mod egress;
mod export;
mod failpoint;
mod faults;
mod filter_word;
mod host;
mod housekeeping;
mod http;
mod installation;
mod last_words;
mod mcp;
mod metrics;
mod nearest;
mod pace;
mod page;
mod plugin_file;
mod plugins;
mod record_file;
mod refusal;
mod reload;
mod removal;
mod reply;
mod reports;
mod results;
mod role;
mod scaffold;
mod scanners;
mod seal;
mod secret;
mod service;
mod snapshot;
mod store;
mod submit;
mod telemetry;
mod trace_context;
mod visible;
mod worker;

use std::process::ExitCode;

/// Gives back the memory of what was compiled and dropped on other threads: with glibc's, a server grew by a tenth of a
/// megabyte for each swap of a plugin, and made a third fewer calls.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    if let Some(code) = command::helper() {
        return code;
    }
    // One provider of cryptography for all TLS, chosen before the first connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("scanhost: another provider of cryptography is installed already");
        return ExitCode::FAILURE;
    }
    if let Err(unknown) = failpoint::arm() {
        eprintln!("scanhost: {unknown}");
        return ExitCode::from(2);
    }
    cli::run()
}
