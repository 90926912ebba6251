//! Logs: to standard error, as lines for people on a terminal and as JSON elsewhere.

use std::{error::Error, io::IsTerminal as _};

use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::mcp;

/// Starts logging. The level comes from `SCANHOST_LOG`, in the form of tracing's filters.
pub fn start(default_level: &str) {
    let filter = EnvFilter::try_from_env("SCANHOST_LOG").unwrap_or_else(|_| EnvFilter::new(default_level));
    let registry = tracing_subscriber::registry().with(filter).with(filter_fn(mcp::is_loggable));
    let is_terminal = std::io::stderr().is_terminal();
    if is_terminal {
        registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false)).init();
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).init();
    }
}

/// An error with all its causes, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
