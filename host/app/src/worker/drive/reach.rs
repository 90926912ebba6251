//! What a call of a scan's backend is given: its options and state, and the way to its scanner.

use scanhost_domain::scan::Phase;
use scanhost_outbound::{
    command::{LaunchContext, ProgramReach, ScanContext},
    egress::Placeholders,
};
use scanhost_sandbox::{CallContext, ScannerReach, capability::Program};
use scanhost_system::clock;

use super::Driver;
use crate::{
    crash_mark::{MarkedHttp, MarkedProgram},
    plugin_log::PluginLog,
};

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
        let http = MarkedHttp { http, mark: self.mark.clone() };
        ScannerReach { http: Box::new(http), program: Some(self.program(None)), log: Box::new(self.log()) }
    }

    /// For what must not be done by two workers: nothing is sent once another one may have the scan.
    pub(super) fn sole_reach(&self, placeholders: Placeholders) -> ScannerReach {
        let http = self.client.call(Some(self.scan.trace.clone()), placeholders, false);
        let http = http.while_leased(self.lease.clone()).with_sent_flag(self.may_exist.clone());
        let http = MarkedHttp { http, mark: self.mark.clone() };
        // Of what only one worker may do, this alone starts something.
        let launch = matches!(self.running.phase, Phase::Launching { .. }).then(|| LaunchContext {
            lease: self.lease.clone(),
            lease_duration: self.host.scans.lease(),
            tasks: self.host.tasks.clone(),
        });
        ScannerReach { http: Box::new(http), program: Some(self.program(launch)), log: Box::new(self.log()) }
    }

    fn program(&self, launch: Option<LaunchContext>) -> Box<dyn Program> {
        let scan = ScanContext {
            programs: self.host.programs.clone(),
            task: self.scan.id.clone(),
            fence: self.running.fence,
            folder: self.host.folder(&self.scan.id),
            targets: self.scan.request.targets.clone(),
            launch,
        };
        let commands = self.snapshot.config.commands_of(&self.backend.description().name);
        let program = Box::new(ProgramReach { commands, scan: Some(scan) });
        Box::new(MarkedProgram { program, mark: self.mark.clone() })
    }

    pub(super) fn log(&self) -> PluginLog {
        PluginLog { plugin: self.backend.description().name.to_string(), trace: self.scan.trace.to_string() }
    }
}
