//! What a call of a scan's backend is given: its options and state, and the way to its scanner.

use scanhost_sandbox::{CallContext, ScannerReach};

use super::Driver;
use crate::{clock, egress::Placeholders, worker::files::PluginLog};

impl Driver {
    pub(super) fn context(&self) -> CallContext {
        CallContext {
            now: clock::now(),
            options: self.options.clone(),
            state: self.running.plugin_state.clone(),
            installation: self.host.installation.to_string(),
        }
    }

    pub(super) fn reach(&self, placeholders: Placeholders, may_download: bool) -> ScannerReach {
        let http = self.client.call(Some(self.scan.trace.clone()), placeholders, may_download);
        ScannerReach { http: Box::new(http), log: Box::new(self.log()) }
    }

    /// For what must not be done by two workers: nothing is sent once another one may have the scan.
    pub(super) fn sole_reach(&self, placeholders: Placeholders) -> ScannerReach {
        let http = self.client.call(Some(self.scan.trace.clone()), placeholders, false).while_held(self.hold.clone());
        ScannerReach { http: Box::new(http), log: Box::new(self.log()) }
    }

    pub(super) fn log(&self) -> PluginLog {
        PluginLog { plugin: self.backend.description().name.to_string(), trace: self.scan.trace.to_string() }
    }
}
