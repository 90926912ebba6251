//! What a case works with: the plugin under test, stages with a scripted scanner, and the cost of all calls.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use scanhost_domain::request::ScanType;
use scanhost_sandbox::{
    Backend, CallContext, CallReport, Component, Grants, Limits, NewScan, Observer, RemoteScan, ScannerReach,
    StderrTail, capability::Program,
};
use serde_json::Value as Json;

use super::{
    case::{Stop, skip},
    names::{INSTALLATION, TASK},
    script::{ProgramRun, Scenario, ScenarioName, Script},
    scripted_program::{ProgramBehaviour, ScriptedProgram},
    scripted_scanner::{ScannerBehaviour, ScriptedScanner},
};
use crate::plugin_stderr;

/// When the kit's scan is launched. Any constant time will do.
const LAUNCH: jiff::Timestamp = jiff::Timestamp::constant(1_800_000_000, 0);

/// Adds up the fuel of all calls, and keeps what plugins wrote to standard error in calls that failed.
#[derive(Default)]
pub struct Costs {
    fuel: AtomicU64,
    stderr: Mutex<Vec<String>>,
}

impl Costs {
    pub fn fuel(&self) -> u64 {
        self.fuel.load(Ordering::Relaxed)
    }

    /// What the plugin wrote in the first failed call since the last time that this was called.
    pub fn take_stderr(&self) -> Option<String> {
        let mut texts = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *texts).into_iter().next()
    }
}

impl Observer for Costs {
    fn call_ended(&self, report: &CallReport<'_>) {
        self.fuel.fetch_add(report.fuel.unwrap_or(0), Ordering::Relaxed);
    }

    fn stderr_written(&self, words: &StderrTail<'_>) {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).push(plugin_stderr::text(words));
    }
}

/// A backend under test.
pub struct Rig {
    pub backend: Backend,
    pub component: Component,
    pub limits: Limits,
    pub grants: Grants,
    pub script: Script,
    pub costs: Arc<Costs>,
}

/// A scripted scanner at one point in time, and the host's side of calls that reach it.
pub struct Stage<'a> {
    pub rig: &'a Rig,
    pub scanner: ScriptedScanner,
    pub program: ScriptedProgram,
    options: String,
    now: jiff::Timestamp,
}

/// The kit's scan, and the JSON bodies that were sent to create it.
#[derive(Clone, Debug)]
pub struct CreatedScan {
    pub remote: RemoteScan,
    pub sent: Vec<Json>,
}

impl Rig {
    /// The scripted scanner in this scenario.
    pub fn stage(&self, name: ScenarioName, sent: Vec<Json>) -> Result<Stage<'_>, Stop> {
        match self.script.scenarios.get(&name) {
            Some(scenario) => Ok(self.stage_of(scenario, sent)),
            None => skip(format!("the script has no scenario `{}`", format!("{name:?}").to_lowercase())),
        }
    }

    /// The scripted scanner before there is a scan.
    pub fn stage_without_scan(&self) -> Stage<'_> {
        let absent = self.script.scenarios.get(&ScenarioName::Absent).cloned().unwrap_or_default();
        self.stage_of(&absent, Vec::new())
    }

    fn stage_of(&self, scenario: &Scenario, sent: Vec<Json>) -> Stage<'_> {
        let routes = scenario.routes.iter().chain(&self.script.routes).cloned().collect();
        let options = scenario.options.as_ref().unwrap_or(&self.script.options);
        Stage {
            rig: self,
            scanner: ScriptedScanner::new(ScannerBehaviour::Script(routes), sent),
            program: ScriptedProgram::new(self.program_behaviour(scenario.program.clone())),
            options: Json::Object(options.clone()).to_string(),
            now: LAUNCH + Duration::from_secs(scenario.after_seconds.into()),
        }
    }

    /// The scripted scanner with the options of this scenario, at the time of the launch.
    pub fn at_launch(&self, name: ScenarioName) -> Result<Stage<'_>, Stop> {
        Ok(Stage { now: LAUNCH, ..self.stage(name, Vec::new())? })
    }

    /// A scanner that handles every request alike.
    pub fn always(&self, behaviour: ScannerBehaviour) -> Stage<'_> {
        let options = Json::Object(self.script.options.clone()).to_string();
        let program = ScriptedProgram::new(self.program_behaviour(None));
        Stage { rig: self, scanner: ScriptedScanner::new(behaviour, Vec::new()), program, options, now: LAUNCH }
    }

    /// A machine on which programs behave like this, with a scanner that cannot be reached.
    pub fn on_machine(&self, behaviour: ProgramBehaviour) -> Stage<'_> {
        Stage { program: ScriptedProgram::new(behaviour), ..self.always(ScannerBehaviour::Unreachable) }
    }

    fn program_behaviour(&self, run: Option<ProgramRun>) -> ProgramBehaviour {
        ProgramBehaviour::Script { answers: self.script.commands.clone(), run }
    }

    /// The fuel that all calls have used so far.
    pub fn fuel(&self) -> u64 {
        self.costs.fuel()
    }

    pub fn has_script(&self) -> bool {
        !self.script.routes.is_empty() || !self.script.scenarios.is_empty()
    }

    /// Creates the kit's scan at the scripted scanner.
    pub async fn created(&self) -> Result<CreatedScan, Stop> {
        if !self.has_script() {
            return skip("it needs a script of the scanner's answers (--script)");
        }
        let stage = self.stage_without_scan();
        match stage.create(plain_scan()).await {
            Ok(Ok(remote)) => Ok(CreatedScan { remote, sent: stage.scanner.recording().sent }),
            Ok(Err(error)) => skip(format!("`create` returned {error:?} (see the case `creates`)")),
            Err(fault) => skip(format!("`create` {fault} (see the case `creates`)")),
        }
    }

    /// Creates and launches the kit's scan.
    pub async fn launched(&self) -> Result<CreatedScan, Stop> {
        let CreatedScan { remote, sent } = self.created().await?;
        let stage = self.stage(ScenarioName::Created, sent.clone())?;
        match stage.rig.backend.launch(stage.reach(), stage.context(&remote.state), &remote.id).await {
            Ok(Ok(state)) => Ok(CreatedScan { remote: RemoteScan { state, ..remote }, sent }),
            Ok(Err(error)) => skip(format!("`launch` returned {error:?} (see the case `launches`)")),
            Err(fault) => skip(format!("`launch` {fault} (see the case `launches`)")),
        }
    }

    /// Returns some scan, made up if none can be created, for cases that do not depend on its content.
    pub async fn any_scan(&self) -> RemoteScan {
        let created = match self.launched().await {
            Ok(created) => Some(created),
            Err(_) => self.created().await.ok(),
        };
        created.map_or_else(|| RemoteScan { id: "1".into(), state: Vec::new() }, |created| created.remote)
    }
}

impl Stage<'_> {
    pub fn reach(&self) -> ScannerReach {
        let program = Some(Box::new(self.program.clone()) as Box<dyn Program>);
        ScannerReach { http: Box::new(self.scanner.clone()), program, log: Box::new(self.scanner.clone()) }
    }

    pub fn context(&self, state: &[u8]) -> CallContext {
        CallContext {
            now: self.now,
            options: self.options.clone(),
            state: state.to_vec(),
            installation: INSTALLATION.into(),
        }
    }

    pub async fn create(
        &self,
        scan: NewScan,
    ) -> Result<Result<RemoteScan, scanhost_sandbox::ScannerError>, scanhost_sandbox::Fault> {
        self.rig.backend.create(self.reach(), self.context(b""), scan).await
    }
}

/// The scan that the kit asks for.
pub fn plain_scan() -> NewScan {
    NewScan {
        task_id: TASK.into(),
        name: "conformance".into(),
        description: "made by scanhost plugin test".into(),
        scan_type: ScanType::Untrusted,
        targets: vec!["192.0.2.1".into(), "192.0.2.2".into()],
        credential: None,
    }
}
