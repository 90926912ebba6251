//! One call of a guest: a new Wasm store with all its limits, and the outcome.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use wasmtime::{Store, Trap, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{
    capability::{FindingSink, Http, LogSink, Program, ReportReader, ReportWriter},
    digest::Digest,
    engine::{Sandbox, TICK},
    fault::Fault,
    imports::stubs,
    limits::{Limits, MemoryLimiter},
    observer::{CallOutcome, CallReport},
    stderr::Stderr,
};

/// Bytes of log lines that one call may write.
pub const LOG_BYTES: usize = 64 << 10;

/// Host handles that a guest may hold at once. They cost the host's memory, not the guest's.
const MAX_HANDLES: usize = 1_000;

/// What the guest may reach in this call.
#[derive(Default)]
pub struct Reach {
    pub http: Option<Box<dyn Http>>,
    pub program: Option<Box<dyn Program>>,
    pub report_writer: Option<Box<dyn ReportWriter>>,
    pub report_reader: Option<Box<dyn ReportReader>>,
    pub findings: Option<Box<dyn FindingSink>>,
    pub log: Option<Box<dyn LogSink>>,
}

pub type GuestStore = Store<CallState>;

/// The data of a Wasm store. It lives as long as one call.
pub struct CallState {
    pub reach: Reach,
    pub requests: u32,
    /// Programs that the call started or asked.
    pub runs: u32,
    pub log_bytes_left: usize,
    pub progress: Progress,
    /// Whether the guest waited for the scanner since the last tick that it saw.
    pub has_waited: bool,
    pub stderr: Stderr,
    limiter: MemoryLimiter,
    cpu_exhausted: bool,
    ticks: u64,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Counts the steps of a long call, so that the watchdog sees whether it makes progress.
#[derive(Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    pub fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the wall limit of a call bounds.
#[derive(Clone, Copy)]
pub enum Deadline {
    /// The time from start to end.
    Whole,
    /// The time between two steps of progress.
    Stalled,
}

/// Makes a Wasm store with its limits. It is the only place that does, so nothing runs without limits.
pub fn new_store(sandbox: &Sandbox, limits: Limits, reach: Reach) -> Store<CallState> {
    // One tick more, since the current one is already partly spent.
    let budget = u64::try_from(limits.cpu.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    let stderr = Stderr::default();
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_HANDLES);
    let state = CallState {
        reach,
        requests: 0,
        runs: 0,
        log_bytes_left: LOG_BYTES,
        progress: Progress::default(),
        has_waited: false,
        limiter: MemoryLimiter::new(limits.memory),
        cpu_exhausted: false,
        ticks: 0,
        wasi: stubs::context(stderr.clone()),
        stderr,
        table,
    };
    let mut store = Store::new(sandbox.engine(), state);
    store.limiter(|state| &mut state.limiter);
    // It is an error if the engine counts no fuel.
    let _unmetered = store.set_fuel(u64::MAX);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        let state = context.data_mut();
        // However long a wait was, the guest sees one tick after it, and that one is not its own.
        if !mem::take(&mut state.has_waited) {
            state.ticks += 1;
        }
        if state.ticks > budget {
            state.cpu_exhausted = true;
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// The function that is called, its plugin, and its limits.
pub struct Callee<'a> {
    pub sandbox: &'a Sandbox,
    pub plugin: &'a str,
    pub digest: Digest,
    pub function: &'static str,
    pub limits: Limits,
}

impl Callee<'_> {
    /// Makes one call in a Wasm store of its own and reports it to the observer. `convert` bounds the guest's answer;
    /// an answer that it does not accept breaks the contract.
    pub async fn call<T, U, E>(
        &self,
        reach: Reach,
        deadline: Deadline,
        call: impl AsyncFnOnce(&mut GuestStore) -> wasmtime::Result<Result<T, E>>,
        convert: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Result<U, E>, Fault> {
        let not_begun = |fault: &Fault| self.report(CallOutcome::Fault(fault.kind()), Duration::ZERO, 0, None);
        self.sandbox.permit(self.digest).inspect_err(not_begun)?;
        let _permit = self.sandbox.admit().await.inspect_err(not_begun)?;
        let mut store = new_store(self.sandbox, self.limits, reach);
        let start = Instant::now();
        let answer = match bounded(self.limits, deadline, &mut store, call).await {
            Ok(Ok(value)) => convert(value).map(Ok).map_err(Fault::Contract),
            Ok(Err(error)) => Ok(Err(error)),
            Err(fault) => Err(fault),
        };
        let outcome = match &answer {
            Ok(Ok(_)) => CallOutcome::Ok,
            Ok(Err(_)) => CallOutcome::Error,
            Err(fault) => CallOutcome::Fault(fault.kind()),
        };
        if answer.is_err() {
            self.sandbox.report_stderr(self.plugin, self.function, &store.data().stderr);
        }
        let fuel = store.get_fuel().ok().map(|left| u64::MAX - left);
        self.report(outcome, start.elapsed(), store.data().limiter.used(), fuel);
        answer
    }

    fn report(&self, outcome: CallOutcome, time: Duration, memory: usize, fuel: Option<u64>) {
        let (plugin, digest, function) = (self.plugin, self.digest, self.function);
        self.sandbox.observe(&CallReport { plugin, digest, function, outcome, time, memory, fuel });
    }
}

/// Waits for the guest's answer within its limits. `call` runs the guest in `store`.
pub async fn bounded<T>(
    limits: Limits,
    deadline: Deadline,
    store: &mut Store<CallState>,
    call: impl AsyncFnOnce(&mut Store<CallState>) -> wasmtime::Result<T>,
) -> Result<T, Fault> {
    let progress = store.data().progress.clone();
    let result = tokio::select! {
        result = call(store) => result,
        () = expire(limits.wall, deadline, progress) => return Err(Fault::Wall(limits.wall)),
    };
    result.map_err(|error| explain(&error, limits, store.data()))
}

/// Returns when the call has lasted too long.
async fn expire(wall: Duration, deadline: Deadline, progress: Progress) {
    loop {
        let before = progress.steps();
        tokio::time::sleep(wall).await;
        match deadline {
            Deadline::Whole => return,
            Deadline::Stalled if progress.steps() == before => return,
            Deadline::Stalled => {}
        }
    }
}

fn explain(error: &wasmtime::Error, limits: Limits, state: &CallState) -> Fault {
    if state.cpu_exhausted {
        return Fault::Cpu(limits.cpu);
    }
    if state.limiter.has_refused() {
        return Fault::Memory(limits.memory);
    }
    match error.downcast_ref::<Trap>() {
        Some(trap) => Fault::Crash(trap.to_string()),
        None if error.is::<wasmtime_wasi::I32Exit>() => Fault::Crash("called exit".into()),
        None => Fault::Contract(format!("{error:#}")),
    }
}
