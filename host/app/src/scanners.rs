//! How the scanners are, as this process sees them: a breaker for each, told to the store so that every process knows.

use std::{
    collections::{HashMap, HashSet},
    ptr,
    sync::{Arc, Weak},
    time::Duration,
};

use scanhost_domain::{
    breaker::{Breaker, Circuit, PROBE_DELAY},
    error_chain::chain,
    ids::ScannerId,
};
use scanhost_outbound::egress::ScannerClient;
use scanhost_sandbox::ScannerError;
use scanhost_system::{clock, failpoint, pace::paced};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    host::Host,
    snapshot::{
        LoadedScanner, Snapshot,
        local_check::{call_without_scan, health},
    },
    trouble::Trouble,
};

/// Between two questions to a scanner how it is.
const INTERVAL: Duration = Duration::from_secs(30);

/// Between two reports of how it is to the store, which forgets them after a while.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Between two looks at the breakers.
const LOOK: Duration = Duration::from_secs(1);

/// The scanner answered, with whatever answer.
pub fn succeeded(host: &Host, scanner: &ScannerId) {
    host.breakers.change(scanner, Breaker::succeed);
}

/// The scanner could not be reached or did not work.
pub async fn failed(host: &Host, scanner: &ScannerId, message: &str) {
    if host.breakers.change(scanner, |breaker| breaker.fail(clock::now())) {
        host.breakers.see(scanner, false, message.to_owned());
        report(host, scanner).await;
    }
}

/// What a scanner makes of the host's login, as its own check says.
pub enum LoginCheck {
    Accepted,
    Refused(String),
    /// The scanner could not be asked.
    Unknown(Trouble),
}

/// Finds out whether a scanner that refused one call refuses the host's login altogether. If so, it gets no more scans
/// until it takes the login again.
pub async fn check_login(host: &Host, scanner: &LoadedScanner) -> LoginCheck {
    let checked = match health(scanner, &host.installation).await {
        Ok(_) => lists_scans(host, scanner).await,
        Err(trouble) => Err(trouble),
    };
    match checked {
        Ok(()) => LoginCheck::Accepted,
        Err(trouble) if trouble.is_login() => {
            let message = login_refused(&trouble.failure.message);
            host.breakers.refuse_login(&scanner.id, message.clone());
            report(host, &scanner.id).await;
            LoginCheck::Refused(message)
        }
        Err(trouble) => LoginCheck::Unknown(trouble),
    }
}

/// Asks for a list of scans, which needs the login also where the question how the scanner is does not.
async fn lists_scans(host: &Host, scanner: &LoadedScanner) -> Result<(), Trouble> {
    let (reach, context) = call_without_scan(scanner, &host.installation);
    match scanner.backend.list_scans(reach, context).await {
        Ok(Err(error @ ScannerError::Unauthorized(_))) => Err(error.into()),
        // Any other answer says nothing about the login.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn login_refused(reason: &str) -> String {
    format!(
        "login refused: {reason}. Correct `auth` of this scanner in scanners.yaml, or the files that it names; scans wait \
         until the scanner takes the login"
    )
}

/// Asks every enabled scanner how it is, again and again until shutdown, and tells the store. A resting breaker's probe
/// is such a question, of one worker at a time.
pub async fn watch(host: Arc<Host>) {
    let mut asked: HashMap<ScannerId, (Instant, Weak<ScannerClient>)> = HashMap::new();
    let mut told: HashMap<ScannerId, (Instant, Circuit)> = HashMap::new();
    // Each scanner by itself: one that does not answer holds up no other.
    let (mut asking, mut busy) = (JoinSet::new(), HashSet::new());
    while !host.shutdown.is_cancelled() {
        while let Some(done) = asking.try_join_next() {
            let _known = done.map(|scanner: ScannerId| busy.remove(&scanner));
        }
        let snapshot = host.snapshot.load_full();
        for (scanner, report) in host.scanner_reports.scanner_reports().await.unwrap_or_default() {
            host.breakers.adopt(&scanner, &report);
        }
        // A scanner that takes no new scans may still run some, which wait while its breaker is open.
        let is_watched =
            |scanner: &&LoadedScanner| scanner.config.enabled || host.breakers.circuit(&scanner.id) != Circuit::Closed;
        for scanner in snapshot.scanners.iter().filter(is_watched) {
            let id = &scanner.id;
            let is_told = |(at, circuit): &(Instant, Circuit)| {
                at.elapsed() < REPORT_INTERVAL && *circuit == host.breakers.circuit(id)
            };
            if !told.get(id).is_some_and(is_told) && host.breakers.report(id).is_some() {
                told.insert(id.clone(), (Instant::now(), host.breakers.circuit(id)));
                report(&host, id).await;
            }
            // One that is reached in another way than the last time is as good as new.
            let is_due = asked.get(id).is_none_or(|(last, client)| {
                last.elapsed() >= INTERVAL || !ptr::eq(client.as_ptr(), Arc::as_ptr(&scanner.client))
            });
            if !busy.contains(id) && may_ask(&host, id, is_due).await {
                asked.insert(id.clone(), (Instant::now(), Arc::downgrade(&scanner.client)));
                busy.insert(id.clone());
                asking.spawn(ask(host.clone(), snapshot.clone(), id.clone()));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = host.shutdown.cancelled() => return,
        }
    }
}

async fn may_ask(host: &Host, scanner: &ScannerId, is_due: bool) -> bool {
    if host.breakers.circuit(scanner) == Circuit::Closed {
        return is_due;
    }
    if !host.breakers.is_probe_due(scanner) {
        return false;
    }
    // Scans that run go on while the store is away, and so do probes.
    let is_ours = host.scanner_reports.take_probe(scanner, paced(PROBE_DELAY)).await.unwrap_or(true);
    if is_ours {
        host.breakers.begin_probe(scanner);
    }
    is_ours
}

async fn ask(host: Arc<Host>, snapshot: Arc<Snapshot>, id: ScannerId) -> ScannerId {
    let Some(scanner) = snapshot.scanner(&id) else { return id };
    let (up, message) = match failpoint::around("scanner.health", health(scanner, &host.installation)).await {
        Ok((ready, message)) => {
            succeeded(&host, &id);
            (ready, message)
        }
        Err(trouble) => {
            if trouble.is_login() {
                host.breakers.refuse_login(&id, login_refused(&trouble.failure.message));
                report(&host, &id).await;
                return id;
            }
            if trouble.is_outage() {
                host.breakers.change(&id, |breaker| breaker.fail(clock::now()));
            } else if trouble.is_answer() {
                succeeded(&host, &id);
            }
            (false, trouble.failure.message)
        }
    };
    host.breakers.see(&id, up, message);
    report(&host, &id).await;
    id
}

async fn report(host: &Host, scanner: &ScannerId) {
    let Some(report) = host.breakers.report(scanner) else { return };
    if let Err(error) = host.scanner_reports.report_scanner(scanner, report).await {
        tracing::warn!(%scanner, error = chain(&error), "how the scanner is could not be stored");
    }
}
