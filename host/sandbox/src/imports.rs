//! Everything that a guest can be linked with. What is not listed here does not exist for guests.

mod command;
mod findings;
mod http;
mod log;
mod report;
pub mod stubs;

use wasmtime::{
    Engine,
    component::{HasData, HasSelf, Linker, ResourceTable},
};
use wasmtime_wasi::{
    WasiView,
    cli::{WasiCli, WasiCliView},
    p2::bindings::{cli, io, random},
    random::{WasiRandom, WasiRandomView},
};

use crate::{
    bindings::{backend::scanhost::backend as world, command::scanhost::command::program},
    call::CallState,
    grant::Grants,
};

/// Links what a backend may import: the granted parts of its world, and the little of WASI that a Rust standard library
/// needs. Files, sockets and clocks are only stubs, see [`stubs`].
pub fn link_backend(engine: &Engine, grants: Grants) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = link_profile(engine, grants)?;
    world::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    if grants.http {
        world::http::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    }
    if grants.command {
        program::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    }
    world::report::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    world::findings::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    world::log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut CallState| state)?;
    Ok(linker)
}

/// Links what a profile may import, which is nothing of ours. The environment is empty, standard input is closed,
/// standard output is discarded, and the end of standard error is kept.
pub fn link_profile(engine: &Engine, grants: Grants) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    if grants.std_stubs {
        stubs::link(&mut linker)?;
    }
    let l = &mut linker;
    io::error::add_to_linker::<CallState, HasTable>(l, |state| state.ctx().table)?;
    io::poll::add_to_linker::<CallState, HasTable>(l, |state| state.ctx().table)?;
    io::streams::add_to_linker::<CallState, HasTable>(l, |state| state.ctx().table)?;
    cli::exit::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::environment::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::stdin::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::stdout::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::stderr::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_input::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_output::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<CallState, WasiCli>(l, CallState::cli)?;
    random::random::add_to_linker::<CallState, WasiRandom>(l, CallState::random)?;
    random::insecure::add_to_linker::<CallState, WasiRandom>(l, CallState::random)?;
    random::insecure_seed::add_to_linker::<CallState, WasiRandom>(l, CallState::random)?;
    Ok(linker)
}

/// The interfaces of `wasi:io` see the table of handles only.
struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}
