//! The program `scanhost`: MCP, HTTP, the page for people, the command line and the control socket. All of them are
//! adapters: they parse what they are given, call what `scanhost-app` offers, and show what comes of it. Begin with
//! `cli`, which runs the verbs.

mod app;
mod cli;
mod control;
mod filter_word;
mod http;
mod mcp;
mod page;
mod request_slot;
mod scaffold;
mod service;

pub use cli::run;
