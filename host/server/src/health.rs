//! Whether scanners answer, as asked now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use scanhost_domain::ids::ScannerId;
use scanhost_sandbox::{CallContext, ScannerReach};

use crate::{clock, egress::Placeholders, host::Host, snapshot::LoadedScanner, worker::PluginLog};

const INTERVAL: Duration = Duration::from_secs(30);

/// What the scanners said when they were last asked.
#[derive(Default)]
pub struct Health(Mutex<HashMap<ScannerId, ScannerState>>);

#[derive(Clone, Debug)]
pub struct ScannerState {
    pub up: bool,
    pub message: String,
}

impl Health {
    pub fn is_up(&self, scanner: &ScannerId) -> bool {
        self.get(scanner).is_some_and(|state| state.up)
    }

    pub fn get(&self, scanner: &ScannerId) -> Option<ScannerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(scanner).cloned()
    }

    fn set(&self, scanner: ScannerId, state: ScannerState) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = states.insert(scanner.clone(), state.clone());
        if before.is_none_or(|before| before.up != state.up) {
            let (up, message) = (state.up, state.message);
            tracing::info!(%scanner, up, says = message, "scanner health");
        }
    }
}

/// Asks every enabled scanner, again and again until shutdown.
pub async fn watch(host: Arc<Host>) {
    loop {
        let snapshot = host.snapshot.load_full();
        for scanner in snapshot.scanners.iter().filter(|scanner| scanner.config.enabled) {
            let state = tokio::select! {
                state = ask(scanner) => state,
                () = host.shutdown.cancelled() => return,
            };
            host.health.set(scanner.id.clone(), state);
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = host.shutdown.cancelled() => return,
        }
    }
}

/// Asks one scanner now.
pub async fn ask(scanner: &LoadedScanner) -> ScannerState {
    let plugin = scanner.backend.description().name.to_string();
    let reach = ScannerReach {
        http: Box::new(scanner.client.call(None, Placeholders::default(), false)),
        log: Box::new(PluginLog { plugin, trace: String::new() }),
    };
    let context = CallContext { now: clock::now(), options: scanner.config.options.clone(), state: Vec::new() };
    match scanner.backend.health(reach, context).await {
        Ok(Ok(health)) => ScannerState { up: health.ready, message: health.message },
        Ok(Err(error)) => {
            let trouble = crate::worker::Trouble::from(error);
            ScannerState { up: false, message: trouble.failure.message }
        }
        Err(fault) => ScannerState { up: false, message: format!("the plugin {fault}") },
    }
}
