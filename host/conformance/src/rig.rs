//! What a case works with: the plugin under test, scenes with a scripted scanner, and what all of it costs.

use std::{sync::{Arc, Mutex, PoisonError, atomic::{AtomicU64, Ordering}}, time::Duration};

use scanhost_domain::request::ScanType;
use scanhost_sandbox::{Backend, CallContext, CallReport, Component, Grants, Limits, NewScan, Observer, RemoteScan, ScannerReach, StderrTail, capability::Program};
use serde_json::Value as Json;

use super::{case::{Stop, skip}, programs::{Behaviour, ScriptedProgram}, script::{Run, Scenario, ScenarioName, Script}, scripted::{Manner, Scripted}};
use crate::last_words;

/// The task of the kit's one scan, and one that nobody has.
pub const TASK: &str = "01J00000000000000000000000";
pub const OTHER_TASK: &str = "01J00000000000000000000001";
pub const INSTALLATION: &str = "0123456789abcdef";
pub const OTHER_INSTALLATION: &str = "fedcba9876543210";

/// When the kit's scan is launched. Any time will do, as long as it is always the same.
const LAUNCH: jiff::Timestamp = jiff::Timestamp::constant(1_800_000_000, 0);

/// Adds up the fuel of all calls, and keeps what those wrote that failed.
#[derive(Default)]
pub struct Costs {
    fuel: AtomicU64,
    heard: Mutex<Vec<String>>,
}

impl Costs {
    pub fn fuel(&self) -> u64 {
        self.fuel.load(Ordering::Relaxed)
    }

    /// Of the first call that failed with words since this was asked last.
    pub fn take_last_words(&self) -> Option<String> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *heard).into_iter().next()
    }
}

impl Observer for Costs {
    fn call_ended(&self, report: &CallReport<'_>) {
        self.fuel.fetch_add(report.fuel.unwrap_or(0), Ordering::Relaxed);
    }

    fn stderr_written(&self, words: &StderrTail<'_>) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(last_words::told(words));
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

/// A scanner at one moment, and the host that talks to it.
pub struct Scene<'a> {
    pub rig: &'a Rig,
    pub scanner: Scripted,
    pub program: ScriptedProgram,
    options: String,
    now: jiff::Timestamp,
}

/// The kit's scan, and what was sent to make it.
#[derive(Clone, Debug)]
pub struct Made {
    pub remote: RemoteScan,
    pub sent: Vec<Json>,
}

impl Rig {
    /// The scanner of the script where its scan stands like this.
    pub fn scene(&self, name: ScenarioName, sent: Vec<Json>) -> Result<Scene<'_>, Stop> {
        match self.script.scenarios.get(&name) {
            Some(scenario) => Ok(self.staged(scenario, sent)),
            None => skip(format!("the script has no scenario `{}`", format!("{name:?}").to_lowercase())),
        }
    }

    /// The scanner of the script before there is a scan.
    pub fn opening(&self) -> Scene<'_> {
        let absent = self.script.scenarios.get(&ScenarioName::Absent).cloned().unwrap_or_default();
        self.staged(&absent, Vec::new())
    }

    fn staged(&self, scenario: &Scenario, sent: Vec<Json>) -> Scene<'_> {
        let routes = scenario.routes.iter().chain(&self.script.routes).cloned().collect();
        let options = scenario.options.as_ref().unwrap_or(&self.script.options);
        Scene {
            rig: self,
            scanner: Scripted::new(Manner::Script(routes), sent),
            program: ScriptedProgram::new(self.behaviour(scenario.program.clone())),
            options: Json::Object(options.clone()).to_string(),
            now: LAUNCH + Duration::from_secs(scenario.after_seconds.into()),
        }
    }

    /// The scanner of that scenario's options, at the time of the launch.
    pub fn at_launch(&self, name: ScenarioName) -> Result<Scene<'_>, Stop> {
        Ok(Scene { now: LAUNCH, ..self.scene(name, Vec::new())? })
    }

    /// A scanner that meets every request alike.
    pub fn always(&self, manner: Manner) -> Scene<'_> {
        let options = Json::Object(self.script.options.clone()).to_string();
        let program = ScriptedProgram::new(self.behaviour(None));
        Scene { rig: self, scanner: Scripted::new(manner, Vec::new()), program, options, now: LAUNCH }
    }

    /// A machine on which programs behave so, while the scanner meets no request at all.
    pub fn on_machine(&self, behaviour: Behaviour) -> Scene<'_> {
        Scene { program: ScriptedProgram::new(behaviour), ..self.always(Manner::Unreachable) }
    }

    fn behaviour(&self, run: Option<Run>) -> Behaviour {
        Behaviour::Script { answers: self.script.commands.clone(), run }
    }

    /// What all calls have used so far.
    pub fn fuel(&self) -> u64 {
        self.costs.fuel()
    }

    pub fn has_script(&self) -> bool {
        !self.script.routes.is_empty() || !self.script.scenarios.is_empty()
    }

    /// Creates the kit's scan at the scripted scanner.
    pub async fn created(&self) -> Result<Made, Stop> {
        if !self.has_script() {
            return skip("it needs a script of the scanner's answers (--script)");
        }
        let scene = self.opening();
        match scene.create(plain_scan()).await {
            Ok(Ok(remote)) => Ok(Made { remote, sent: scene.scanner.seen().sent }),
            Ok(Err(error)) => skip(format!("`create` gave {error:?} (see the case `creates`)")),
            Err(fault) => skip(format!("`create` {fault} (see the case `creates`)")),
        }
    }

    /// Creates and launches it.
    pub async fn launched(&self) -> Result<Made, Stop> {
        let Made { remote, sent } = self.created().await?;
        let scene = self.scene(ScenarioName::Created, sent.clone())?;
        match scene.rig.backend.launch(scene.reach(), scene.context(&remote.state), &remote.id).await {
            Ok(Ok(state)) => Ok(Made { remote: RemoteScan { state, ..remote }, sent }),
            Ok(Err(error)) => skip(format!("`launch` gave {error:?} (see the case `launches`)")),
            Err(fault) => skip(format!("`launch` {fault} (see the case `launches`)")),
        }
    }

    /// Some scan, for cases in which the scanner does not get to say much about it.
    pub async fn any_scan(&self) -> RemoteScan {
        let made = match self.launched().await {
            Ok(made) => Some(made),
            Err(_) => self.created().await.ok(),
        };
        made.map_or_else(|| RemoteScan { id: "1".into(), state: Vec::new() }, |made| made.remote)
    }
}

impl Scene<'_> {
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
