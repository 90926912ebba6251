//! Logs: to standard error, as lines for people or as JSON for programs. Level and form are the configuration's, and
//! may change while the host runs.

mod json;

use std::{
    io::IsTerminal as _,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use scanhost_config::{Log, LogFormat, check_level};
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{dynamic_filter_fn, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

/// Sets the level for one run, whatever the configuration says.
const VARIABLE: &str = "SCANHOST_LOG";

/// What a command logs where the variable says nothing.
#[derive(Clone, Copy)]
pub enum Wish {
    /// A server's level, until the configuration sets another.
    Configured(&'static str),
    /// A command's level, whatever the configuration says, since its standard error is for people.
    Own(&'static str),
}

/// What was chosen at the start, and what changes the level later.
struct Logging {
    wish: Wish,
    filter: reload::Handle<EnvFilter, Registry>,
}

static LOGGING: OnceLock<Logging> = OnceLock::new();

static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Starts logging, before there is a configuration.
pub fn start(wish: Wish, is_loggable: fn(&Metadata<'_>) -> bool) -> anyhow::Result<()> {
    if let Ok(text) = std::env::var(VARIABLE) {
        check_level(&text).map_err(|problem| anyhow::anyhow!("{VARIABLE}: {problem}"))?;
    }
    IS_JSON.store(is_json(LogFormat::Auto), Ordering::Relaxed);
    let (Wish::Configured(level) | Wish::Own(level)) = wish;
    let (filter, handle) = reload::Layer::new(chosen(level));
    let people = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let people = people.with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_loggable))
        .with(people.with_filter(dynamic_filter_fn(|_, _| !IS_JSON.load(Ordering::Relaxed))))
        .with(json::JsonLines.with_filter(dynamic_filter_fn(|_, _| IS_JSON.load(Ordering::Relaxed))))
        .init();
    // Only the first call gets here: a second one would have panicked above.
    let _first = LOGGING.set(Logging { wish, filter: handle });
    Ok(())
}

/// Logs as the configuration says from now on, where the command does.
pub fn configure(log: &Log) {
    let Some(logging) = LOGGING.get() else { return };
    let Wish::Configured(default_level) = logging.wish else { return };
    IS_JSON.store(is_json(log.format), Ordering::Relaxed);
    let filter = chosen(log.level.as_deref().unwrap_or(default_level));
    let (before, after) = (logging.filter.with_current(ToString::to_string).unwrap_or_default(), filter.to_string());
    if before != after && logging.filter.reload(filter).is_ok() {
        tracing::info!(from = before, to = after, "log level");
    }
}

/// The variable's level, else the given one, which was checked before.
fn chosen(level: &str) -> EnvFilter {
    EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level))
}

fn is_json(format: LogFormat) -> bool {
    match format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    }
}
