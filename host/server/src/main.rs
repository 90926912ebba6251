//! Starts the program: becomes a helper process where it is to be one, else runs the command line.

use std::process::ExitCode;

/// Gives back the memory of what was compiled and dropped on other threads: with glibc's, a server grew by a tenth of a
/// megabyte for each swap of a plugin, and made a third fewer calls.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    if let Some(code) = scanhost_outbound::command::run_as_helper() {
        return code;
    }
    // One provider of cryptography for all TLS, chosen before the first connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("scanhost: another provider of cryptography is installed already");
        return ExitCode::FAILURE;
    }
    if let Err(unknown) = scanhost_system::failpoint::arm() {
        eprintln!("scanhost: {unknown}");
        return ExitCode::from(2);
    }
    scanhost::run()
}
