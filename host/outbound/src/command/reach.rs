//! What a call of a backend may do with programs: those that its plugin was granted, as they are configured.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use scanhost_config::Command;
use scanhost_domain::{error_chain::chain, ids::TaskId, scan::Fence, target::Targets};
use scanhost_sandbox::capability::{Answer, Argument, Ending, Program, RunError, Standing};
use scanhost_system::pace::paced;
use tokio_util::task::TaskTracker;

use super::{
    order::{Bounds, Order, Scratch, Verdict, new_file},
    programs::{Programs, scratch_name},
    running::{self, Running},
};
use crate::lease::Lease;

/// How long a program may take to answer a question.
const QUESTION_TIME: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const ANSWER_BYTES: usize = 64 << 10;

/// The time between two signs of life to a supervisor.
const BEAT: Duration = Duration::from_secs(5);

/// What one call of a backend may do with programs.
pub struct ProgramReach {
    /// The commands that the plugin was granted, by name.
    pub commands: BTreeMap<String, Arc<Command>>,
    /// None for a call without a scan, which may only ask questions.
    pub scan: Option<ScanContext>,
}

/// The scan that a call is for.
pub struct ScanContext {
    pub programs: Arc<Programs>,
    pub task: TaskId,
    pub fence: Fence,
    /// The folder of the scan.
    pub folder: PathBuf,
    /// The targets as in the request.
    pub targets: String,
    /// Only in the call that may start the program.
    pub launch: Option<LaunchContext>,
}

/// What a program needs for as long as it runs.
pub struct LaunchContext {
    pub lease: Lease,
    /// How long the store's leases last; none if a scan stays with its process.
    pub lease_duration: Option<Duration>,
    pub tasks: TaskTracker,
}

impl ProgramReach {
    /// Returns the command, if it permits these arguments and its program is executable.
    fn permit(&self, name: &str, arguments: &[&str]) -> Result<Arc<Command>, RunError> {
        let denied = |reason: String| Err(RunError::Denied(reason));
        let Some(command) = self.commands.get(name) else {
            return denied(format!(
                "there is no command {name:?} for this plugin: name it under `commands` in scanhost.yaml, and in the plugin's entry"
            ));
        };
        let does_fit = |argument: &&str| command.allow.iter().any(|pattern| pattern.fits(argument));
        if let Some(argument) = arguments.iter().find(|argument| !does_fit(argument)) {
            return denied(format!(
                "no pattern of commands.{name}.allow in scanhost.yaml permits the argument {argument:?}"
            ));
        }
        let shown = command.program.display();
        let missing =
            |reason| RunError::Missing(format!("{shown} {reason} (commands.{name}.program in scanhost.yaml)"));
        match fs::metadata(&command.program) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(missing("does not exist: install it".to_owned()))
            }
            Err(error) => Err(missing(format!("cannot be used: {}", error.kind()))),
            Ok(metadata) if !metadata.is_file() => Err(missing("is not a file".to_owned())),
            Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => Err(missing("is not executable".to_owned())),
            Ok(_) => Ok(command.clone()),
        }
    }

    fn running(&self) -> Option<Arc<Running>> {
        let scan = self.scan.as_ref()?;
        scan.programs.of(&scan.task, scan.fence)
    }
}

fn failed(error: &io::Error) -> RunError {
    RunError::Failed(format!("the host could not run the program: {}", chain(error)))
}

fn order(command: &Command, arguments: Vec<String>, scratch: Scratch, bounds: Bounds) -> Order {
    let env = command.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    Order { program: command.program.clone(), arguments, env, scratch, bounds, patience: None }
}

/// Starts the program on a thread where blocking is allowed.
async fn start(order: Order) -> Result<Running, RunError> {
    let started = tokio::task::spawn_blocking(move || {
        running::create_folders(&order.scratch)?;
        Running::start(&order)
    });
    let started = started.await.map_err(|error| RunError::Failed(error.to_string()))?;
    started.map_err(|error| failed(&error))
}

#[async_trait]
impl Program for ProgramReach {
    async fn start(&mut self, name: String, arguments: Vec<Argument>) -> Result<(), RunError> {
        let texts: Vec<&str> = arguments
            .iter()
            .filter_map(|argument| match argument {
                Argument::Text(text) => Some(text.as_str()),
                Argument::TargetsFile => None,
            })
            .collect();
        let command = self.permit(&name, &texts)?;
        let Some((scan, launch)) = self.scan.as_ref().and_then(|scan| Some((scan, scan.launch.as_ref()?))) else {
            return Err(RunError::Denied("programs may be started only in `launch`".into()));
        };
        if self.running().is_some_and(|program| program.verdict().is_none()) {
            return Err(RunError::AlreadyRunning);
        }
        if !launch.lease.is_valid() {
            return Err(RunError::Failed("another worker may have taken over the scan".into()));
        }
        let scratch = Scratch(scan.folder.join(scratch_name(scan.fence)));
        scan.prepare(&scratch).map_err(|error| failed(&error))?;
        let targets = scratch.targets().display().to_string();
        let text = |argument| match argument {
            Argument::Text(text) => text,
            Argument::TargetsFile => targets.clone(),
        };
        let arguments = arguments.into_iter().map(text).collect();
        let patience = launch.lease_duration.map(|duration| duration + BEAT);
        let order = Order { patience, ..order(&command, arguments, scratch, Bounds::from(&command.limits)) };
        let program = Arc::new(start(order).await?);
        tracing::info!(scan = %scan.task, command = name, "a program was started");
        launch.tasks.spawn(send_beats(Arc::downgrade(&program), launch.lease.clone(), scan.task.clone()));
        scan.programs.keep(scan.task.clone(), scan.fence, program);
        Ok(())
    }

    fn look(&mut self) -> Option<Standing> {
        let program = self.running()?;
        // The ending first: when it is known, the output is complete.
        let ending = program.verdict().map(ending);
        Some(Standing { ending, output_bytes: program.output_bytes() })
    }

    fn output(&mut self, start: u64, max: usize) -> io::Result<Vec<u8>> {
        self.running().map_or(Ok(Vec::new()), |program| program.output(start, max))
    }

    async fn stop(&mut self) -> Result<(), String> {
        match self.running() {
            Some(program) => program.stop().await,
            None => Ok(()),
        }
    }

    async fn ask(&mut self, name: String, arguments: Vec<String>) -> Result<Answer, RunError> {
        let command = self.permit(&name, &arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
        let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
        let scratch = Scratch(folder.path().to_owned());
        let bounds = Bounds { time: QUESTION_TIME.min(command.limits.time), ..Bounds::from(&command.limits) };
        let program = start(order(&command, arguments, scratch, bounds)).await?;
        let verdict = program.ended().await;
        let output = program.output(0, ANSWER_BYTES).map_err(|error| failed(&error))?;
        Ok(Answer { ending: ending(verdict), output })
    }
}

impl ScanContext {
    /// Makes an empty scratch folder, with the targets in a file.
    fn prepare(&self, scratch: &Scratch) -> io::Result<()> {
        match fs::remove_dir_all(scratch.folder()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        running::create_folders(scratch)?;
        let targets = Targets::parse(&self.targets).map_err(io::Error::other)?;
        let mut file = io::BufWriter::new(new_file(&scratch.targets())?);
        for line in targets.plain() {
            writeln!(file, "{line}")?;
        }
        file.flush()
    }
}

fn ending(verdict: Verdict) -> Ending {
    match verdict {
        Verdict::Exited(code) => Ending::Exited(code),
        Verdict::Signalled(signal) => Ending::Signalled(signal),
        Verdict::Exceeded(excess) => Ending::Exceeded(excess.into()),
        Verdict::NotExecuted(reason) => Ending::NotExecuted(reason),
        // The supervisor stops programs by SIGKILL.
        Verdict::Stopped => Ending::Signalled(9),
    }
}

/// Sends beats to the supervisor for as long as the lease is valid, and logs how the program ended.
async fn send_beats(program: Weak<Running>, lease: Lease, task: TaskId) {
    loop {
        let Some(running) = program.upgrade() else { return };
        let ended = tokio::time::timeout(paced(BEAT), running.ended()).await;
        match ended {
            Ok(verdict) => {
                let complaint = running.complaint();
                tracing::info!(scan = %task, ?verdict, complaint, "a program has ended");
                return;
            }
            Err(_) if lease.is_valid() => running.beat(),
            Err(_) => running.cut(),
        }
    }
}
