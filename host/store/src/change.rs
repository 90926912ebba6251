//! What a worker has to store about the scan that it drives.

use scanhost_domain::scan::{Phase, PluginVersion, RefusedPhase, Running};

/// One step of a worker.
#[derive(Clone, Debug)]
pub enum Change {
    /// The next phase, and what the plugin wants to be given in its next call where that has changed.
    Enter { phase: Phase, plugin_state: Option<Vec<u8>> },
    /// What the plugin wants to be given in its next call.
    PluginState(Vec<u8>),
    /// The version of the plugin that drives the scan from now on.
    Plugin(PluginVersion),
    /// Why a call failed that will be tried again.
    Retry(String),
    /// A call has worked after one that failed.
    CallWorked,
    /// The scan makes progress again: something has worked at which earlier workers were lost.
    Progressed,
    /// The process of the last worker died while it worked on this scan.
    Crashed,
}

impl Change {
    /// # Errors
    /// When the phase may not follow the present one.
    pub fn apply(self, running: Running) -> Result<Running, RefusedPhase> {
        Ok(match self {
            Self::Enter { phase, plugin_state } => {
                let running = running.enter(phase)?;
                match plugin_state {
                    Some(state) => running.remember(state),
                    None => running,
                }
            }
            Self::PluginState(state) => running.remember(state),
            Self::Plugin(plugin) => running.drive_with(plugin),
            Self::Retry(reason) => running.call_failed(reason),
            Self::CallWorked => running.call_worked(),
            Self::Progressed => running.progressed(),
            Self::Crashed => running.crashed(),
        })
    }
}
