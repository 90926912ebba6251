//! The grant `std-stubs`: empty stubs of what the runtimes of other languages import from WASI.
//! There are no files, no socket can be made, no name is resolved, and time stands still.

use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx,
    clocks::{WasiClocks, WasiClocksView},
    filesystem::{WasiFilesystem, WasiFilesystemView},
    p2::bindings::{clocks, filesystem, sockets},
    sockets::{WasiSockets, WasiSocketsView},
};

use crate::{call::CallState, stderr::Stderr};

/// The WASI context of every guest.
pub fn context(stderr: Stderr) -> WasiCtx {
    WasiCtx::builder()
        .stderr(stderr)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .wall_clock(StoppedClock)
        .monotonic_clock(StoppedClock)
        .build()
}

pub fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let l = linker;
    clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(l, CallState::filesystem)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(l, CallState::filesystem)?;
    let options = sockets::network::LinkOptions::default();
    sockets::instance_network::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::network::add_to_linker::<_, WasiSockets>(l, &options, CallState::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(l, CallState::sockets)
}

/// A clock that stands still: a plugin gets the time from the call's context, and may not measure it.
struct StoppedClock;

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
