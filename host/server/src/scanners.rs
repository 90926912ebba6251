//! How the scanners are, as this process sees them: a breaker for each, told to the store so that every process knows.

use std::{
    collections::HashMap,
    ptr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use scanhost_domain::{
    breaker::{Breaker, Circuit, Pass, REST},
    ids::ScannerId,
};
use scanhost_sandbox::{CallContext, ScannerReach};

use crate::{
    clock,
    egress::{Placeholders, ScannerClient},
    failpoint,
    host::Host,
    installation::Installation,
    pace::paced,
    snapshot::LoadedScanner,
    store::ScannerReport,
    telemetry::chain,
    worker::{PluginLog, Trouble},
};

/// Between two questions to a scanner how it is.
const INTERVAL: Duration = Duration::from_secs(30);

/// Between two looks at the breakers.
const LOOK: Duration = Duration::from_secs(1);

/// The breakers of the scanners that this process talks to.
#[derive(Default)]
pub struct Breakers(Mutex<HashMap<ScannerId, Breaker>>);

impl Breakers {
    fn lock(&self) -> MutexGuard<'_, HashMap<ScannerId, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn circuit(&self, scanner: &ScannerId) -> Circuit {
        self.lock().get(scanner).map_or(Circuit::Closed, |breaker| breaker.circuit())
    }

    /// Whether new scans may be given to it.
    pub fn takes_scans(&self, scanner: &ScannerId) -> bool {
        self.lock().get(scanner).is_none_or(|breaker| breaker.takes_scans())
    }

    /// Whatever was known of a scanner of that name.
    pub fn forget(&self, scanner: &ScannerId) {
        self.lock().remove(scanner);
    }

    /// Waits until a call may go to the scanner.
    pub async fn pass(&self, scanner: &ScannerId) -> Pass {
        loop {
            let permitted = self.permit(scanner);
            match permitted {
                Ok(pass) => return pass,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    fn permit(&self, scanner: &ScannerId) -> Result<Pass, Duration> {
        self.lock().entry(scanner.clone()).or_default().permit(clock::now(), paced(REST))
    }

    fn change(&self, scanner: &ScannerId, change: impl FnOnce(&mut Breaker)) -> Circuit {
        let mut breakers = self.lock();
        let breaker = breakers.entry(scanner.clone()).or_default();
        let before = breaker.circuit();
        change(breaker);
        let after = breaker.circuit();
        if before != after {
            tracing::warn!(%scanner, from = before.name(), to = after.name(), "breaker");
        }
        after
    }
}

/// The scanner answered, with whatever answer.
pub fn succeeded(host: &Host, scanner: &ScannerId) {
    host.breakers.change(scanner, Breaker::succeed);
}

/// The scanner could not be reached or did not work.
pub async fn failed(host: &Host, scanner: &ScannerId, message: &str) {
    let before = host.breakers.circuit(scanner);
    let circuit = host.breakers.change(scanner, |breaker| breaker.fail(clock::now()));
    if before != circuit {
        report(host, scanner, false, message.to_owned(), circuit).await;
    }
}

/// Asks every enabled scanner how it is, again and again until shutdown. A resting breaker's probe is such a question.
pub async fn watch(host: Arc<Host>) {
    let mut asked: HashMap<ScannerId, (tokio::time::Instant, Weak<ScannerClient>)> = HashMap::new();
    while !host.shutdown.is_cancelled() {
        let snapshot = host.snapshot.load_full();
        for scanner in snapshot.scanners.iter().filter(|scanner| scanner.config.enabled) {
            // One that is reached in another way than the last time is as good as new.
            let is_due = asked.get(&scanner.id).is_none_or(|(last, client)| {
                last.elapsed() >= INTERVAL || !ptr::eq(client.as_ptr(), Arc::as_ptr(&scanner.client))
            });
            let is_resting = host.breakers.circuit(&scanner.id) != Circuit::Closed;
            if !(is_due || is_resting) || host.breakers.permit(&scanner.id).is_err() {
                continue;
            }
            asked.insert(scanner.id.clone(), (tokio::time::Instant::now(), Arc::downgrade(&scanner.client)));
            tokio::select! {
                () = ask(&host, scanner) => {}
                () = host.shutdown.cancelled() => return,
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = host.shutdown.cancelled() => return,
        }
    }
}

async fn ask(host: &Host, scanner: &LoadedScanner) {
    let (up, message) = match failpoint::around("scanner.health", health(scanner, &host.installation)).await {
        Ok((ready, message)) => {
            succeeded(host, &scanner.id);
            (ready, message)
        }
        Err(trouble) => {
            if trouble.is_outage() {
                host.breakers.change(&scanner.id, |breaker| breaker.fail(clock::now()));
            }
            (false, trouble.failure.message)
        }
    };
    report(host, &scanner.id, up, message, host.breakers.circuit(&scanner.id)).await;
}

/// What a call on a scanner gets that is for no scan.
pub fn plain_call(scanner: &LoadedScanner, installation: &Installation) -> (ScannerReach, CallContext) {
    let plugin = scanner.backend.description().name.to_string();
    let reach = ScannerReach {
        http: Box::new(scanner.client.call(None, Placeholders::default(), false)),
        log: Box::new(PluginLog { plugin, trace: String::new() }),
    };
    let context = CallContext {
        now: clock::now(),
        options: scanner.config.options.clone(),
        state: Vec::new(),
        installation: installation.to_string(),
    };
    (reach, context)
}

async fn health(scanner: &LoadedScanner, installation: &Installation) -> Result<(bool, String), Trouble> {
    let (reach, context) = plain_call(scanner, installation);
    match scanner.backend.health(reach, context).await {
        Ok(Ok(health)) => Ok((health.ready, health.message)),
        Ok(Err(error)) => Err(error.into()),
        Err(fault) => Err(fault.into()),
    }
}

/// Whether a scanner without an address can work as it is configured. One that has an address is not asked: that it is
/// down is no mistake of the configuration.
///
/// # Errors
/// With what its backend says.
pub async fn check_local(scanner: &LoadedScanner) -> Result<(), String> {
    if scanner.config.url.is_some() {
        return Ok(());
    }
    match health(scanner, &Installation::none()).await {
        Ok((true, _)) => Ok(()),
        Ok((false, problem)) => Err(problem),
        Err(trouble) => Err(trouble.failure.message),
    }
}

async fn report(host: &Host, scanner: &ScannerId, up: bool, message: String, circuit: Circuit) {
    let known = host.store.scanner_reports().await.unwrap_or_default();
    let before = known.iter().find(|(id, _)| id == scanner).map(|(_, report)| report.up);
    if before != Some(up) {
        tracing::info!(%scanner, up, says = message, "scanner health");
    }
    let report = ScannerReport { up, message, circuit, reported_at: clock::now() };
    if let Err(error) = host.store.report_scanner(scanner, report).await {
        tracing::warn!(%scanner, error = chain(&error), "how the scanner is could not be stored");
    }
}
