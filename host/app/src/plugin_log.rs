//! What plugins write to the host's log.

use scanhost_sandbox::capability::{Level, LogSink};

/// A plugin's lines in the host's log.
pub struct PluginLog {
    pub plugin: String,
    pub trace: String,
}

impl LogSink for PluginLog {
    fn write(&mut self, level: Level, message: &str) {
        let (plugin, trace) = (&self.plugin, &self.trace);
        let message = message.replace(char::is_control, " ");
        match level {
            Level::Debug => tracing::debug!(plugin, trace, "{message}"),
            Level::Info => tracing::info!(plugin, trace, "{message}"),
            Level::Warn => tracing::warn!(plugin, trace, "{message}"),
            Level::Error => tracing::error!(plugin, trace, "{message}"),
        }
    }
}
