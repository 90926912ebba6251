//! The scripted program: it stands in for the one that a backend runs, and records the arguments. No process is started.

use std::{
    collections::BTreeMap,
    fs, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use scanhost_sandbox::capability::{Answer, Argument, Ending, Program, RunError, Standing};

use super::script::ProgramRun;

/// How programs behave on this machine.
#[derive(Clone, Debug)]
pub enum ProgramBehaviour {
    /// The answers by the names of commands, and the state of the scan's program before anything is started.
    Script { answers: BTreeMap<String, String>, run: Option<ProgramRun> },
    /// The program does not exist.
    Missing,
    /// The operator granted no command.
    Denied,
    /// Every program has written this, and has this ending; without one it still runs.
    Wrote(Vec<u8>, Option<Ending>),
}

/// A program with its record of starts. Clones share it.
#[derive(Clone)]
pub struct ScriptedProgram(Arc<Mutex<Machine>>);

struct Machine {
    behaviour: ProgramBehaviour,
    started: Vec<Vec<Argument>>,
}

impl ScriptedProgram {
    pub fn new(behaviour: ProgramBehaviour) -> Self {
        Self(Arc::new(Mutex::new(Machine { behaviour, started: Vec::new() })))
    }

    /// The arguments of each start.
    pub fn started(&self) -> Vec<Vec<Argument>> {
        self.lock().started.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine {
    /// What the scan's program has written, and how it ended if it has.
    fn run(&self) -> Option<(Vec<u8>, Option<Ending>)> {
        match &self.behaviour {
            ProgramBehaviour::Script { run: Some(run), .. } => {
                let written = run.output.as_ref().map(fs::read).and_then(Result::ok).unwrap_or_default();
                Some((written, run.exited.map(Ending::Exited)))
            }
            ProgramBehaviour::Wrote(written, ending) => Some((written.clone(), ending.clone())),
            ProgramBehaviour::Script { run: None, .. } | ProgramBehaviour::Missing | ProgramBehaviour::Denied => {
                (!self.started.is_empty()).then(|| (Vec::new(), None))
            }
        }
    }

    fn refusal(&self) -> Option<RunError> {
        match &self.behaviour {
            ProgramBehaviour::Missing => Some(RunError::Missing("the program does not exist".into())),
            ProgramBehaviour::Denied => Some(RunError::Denied("no command is granted".into())),
            ProgramBehaviour::Script { .. } | ProgramBehaviour::Wrote(..) => None,
        }
    }
}

#[async_trait]
impl Program for ScriptedProgram {
    async fn start(&mut self, _: String, arguments: Vec<Argument>) -> Result<(), RunError> {
        let mut machine = self.lock();
        if let Some(refusal) = machine.refusal() {
            return Err(refusal);
        }
        if machine.run().is_some_and(|(_, ending)| ending.is_none()) {
            return Err(RunError::AlreadyRunning);
        }
        machine.started.push(arguments);
        Ok(())
    }

    fn look(&mut self) -> Option<Standing> {
        let (written, ending) = self.lock().run()?;
        Some(Standing { ending, output_bytes: written.len() as u64 })
    }

    fn output(&mut self, start: u64, max: usize) -> io::Result<Vec<u8>> {
        let written = self.lock().run().map(|(written, _)| written).unwrap_or_default();
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(written.len());
        Ok(written[start..written.len().min(start.saturating_add(max))].to_vec())
    }

    async fn stop(&mut self) -> Result<(), String> {
        Ok(())
    }

    async fn ask(&mut self, name: String, _: Vec<String>) -> Result<Answer, RunError> {
        let machine = self.lock();
        if let Some(refusal) = machine.refusal() {
            return Err(refusal);
        }
        match &machine.behaviour {
            ProgramBehaviour::Script { answers, .. } => match answers.get(&name) {
                Some(text) => Ok(Answer { ending: Ending::Exited(0), output: text.clone().into_bytes() }),
                None => Err(RunError::Denied(format!("the script has no answer for the command {name:?}"))),
            },
            ProgramBehaviour::Wrote(written, ending) => {
                Ok(Answer { ending: ending.clone().unwrap_or(Ending::Exited(0)), output: written.clone() })
            }
            ProgramBehaviour::Missing | ProgramBehaviour::Denied => {
                Err(RunError::Denied("no command is granted".into()))
            }
        }
    }
}
