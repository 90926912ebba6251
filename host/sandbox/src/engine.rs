//! The one engine, its clock, and the limit on concurrent calls.

use std::{
    path::{self, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{
    bindings,
    call::CallState,
    component::Component,
    digest::Digest,
    fault::{Fault, LoadError},
    grant::Grants,
    imports,
    observer::{CallReport, Observer, StderrTail},
    stderr::Stderr,
    world::World,
};

/// How often the guest's clock advances; CPU limits are counted in these.
pub const TICK: Duration = Duration::from_millis(10);

/// Calls that may run at once, fewer than the pool has instances for.
const MAX_CALLS: usize = 64;

/// How long a call waits for a slot.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Everything that all plugins share: the engine, the slots for calls, the ticker's thread.
pub struct Sandbox {
    engine: Engine,
    calls: Semaphore,
    pooled: bool,
    observer: Option<Arc<dyn Observer>>,
}

/// The engine cannot start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the plugin engine: {0}")]
pub struct SandboxStartError(String);

impl Sandbox {
    /// Starts the engine and its ticker.
    /// Compiled code is kept in `cache`, which must be a folder that only this user can write: it is run as it is.
    pub fn start(cache: Option<PathBuf>) -> Result<Arc<Self>, SandboxStartError> {
        Self::start_engine(cache, None, false)
    }

    /// Starts the engine with an observer of every call.
    pub fn start_observed(cache: Option<PathBuf>, observer: Arc<dyn Observer>) -> Result<Arc<Self>, SandboxStartError> {
        Self::start_engine(cache, Some(observer), false)
    }

    /// Starts the engine with an observer, and counts fuel: guests are slower, and their cost is the same on every
    /// machine.
    pub fn start_metered(cache: Option<PathBuf>, observer: Arc<dyn Observer>) -> Result<Arc<Self>, SandboxStartError> {
        Self::start_engine(cache, Some(observer), true)
    }

    fn start_engine(
        cache: Option<PathBuf>,
        observer: Option<Arc<dyn Observer>>,
        metered: bool,
    ) -> Result<Arc<Self>, SandboxStartError> {
        let failed = |error: wasmtime::Error| SandboxStartError(format!("{error:#}"));
        let cache = cache.map(|folder| {
            let mut config = CacheConfig::new();
            config.with_directory(path::absolute(folder)?);
            // Frequently loaded entries would be compressed again in the background, which takes 160 MB for a while.
            config.with_optimized_compression_usage_counter_threshold(u64::MAX);
            Cache::new(config)
        });
        let cache = cache.transpose().map_err(failed)?;
        // If address space is short (small containers, `ulimit -v`), the pool cannot be reserved.
        let (engine, pooled) = match Engine::new(&config(cache.clone(), true, metered)) {
            Ok(engine) => (engine, true),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "the instance pool cannot be reserved, so plugin calls will be slower");
                (Engine::new(&config(cache, false, metered)).map_err(failed)?, false)
            }
        };
        start_ticker(&engine);
        let calls = Semaphore::new(MAX_CALLS);
        Ok(Arc::new(Self { engine, calls, pooled, observer }))
    }

    /// Whether instances come from a pool that was reserved at the start.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    pub(crate) fn observe(&self, report: &CallReport<'_>) {
        if let Some(observer) = &self.observer {
            observer.call_ended(report);
        }
    }

    /// Tells the observer what the guest of a failed call wrote to standard error, if anything.
    pub(crate) fn report_stderr(&self, plugin: &str, function: &'static str, stderr: &Stderr) {
        if let Some(observer) = &self.observer
            && let Some(text) = stderr.last_lines()
        {
            observer.stderr_written(&StderrTail { plugin, function, text: &text });
        }
    }

    /// Whether the plugin may be called now.
    pub(crate) fn permit(&self, digest: Digest) -> Result<(), Fault> {
        match &self.observer {
            Some(observer) => observer.permit(digest).map_err(Fault::Quarantined),
            None => Ok(()),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn link_backend(
        &self,
        component: &Component,
        grants: Grants,
    ) -> Result<bindings::backend::BackendPre<CallState>, LoadError> {
        let misfit = |error: wasmtime::Error| LoadError::World { world: World::BACKEND, reason: format!("{error:#}") };
        component.permit(grants)?;
        let linker = imports::link_backend(&self.engine, grants).map_err(misfit)?;
        let pre = linker.instantiate_pre(component.compiled()).map_err(misfit)?;
        bindings::backend::BackendPre::new(pre).map_err(misfit)
    }

    pub(crate) fn link_profile(
        &self,
        component: &Component,
        grants: Grants,
    ) -> Result<bindings::profile::ProfilePre<CallState>, LoadError> {
        let misfit = |error: wasmtime::Error| LoadError::World { world: World::PROFILE, reason: format!("{error:#}") };
        component.permit(grants)?;
        let linker = imports::link_profile(&self.engine, grants).map_err(misfit)?;
        let pre = linker.instantiate_pre(component.compiled()).map_err(misfit)?;
        bindings::profile::ProfilePre::new(pre).map_err(misfit)
    }

    /// Waits, within bounds, until another call may run.
    pub(crate) async fn admit(&self) -> Result<SemaphorePermit<'_>, Fault> {
        match tokio::time::timeout(MAX_WAIT, self.calls.acquire()).await {
            Ok(permit) => Ok(permit.expect("the semaphore is never closed")),
            Err(_) => Err(Fault::Busy(MAX_CALLS)),
        }
    }
}

fn config(cache: Option<Cache>, pooled: bool, metered: bool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).consume_fuel(metered).concurrency_support(false).cache(cache);
    if pooled {
        let slots = u32::try_from(MAX_CALLS).expect("a small constant") + 8;
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(slots)
            .total_core_instances(slots * 4)
            .total_memories(slots * 2)
            .total_tables(slots * 4)
            .total_stacks(slots)
            .max_component_instance_size(1 << 20)
            .max_core_instance_size(1 << 20)
            .table_elements(100_000)
            .max_memory_size(1 << 30);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Starts the ticker as an OS thread, so that guests that never yield cannot delay it. It ends with the engine.
fn start_ticker(engine: &Engine) {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new().name("plugin-ticker".into()).spawn(tick).expect("a thread can be started");
}
