//! The breakers of the scanners that this process talks to, and how it last saw each scanner. What other workers have
//! seen counts where it is newer.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use scanhost_domain::{
    breaker::{Breaker, Circuit, PROBE_DELAY},
    ids::ScannerId,
};
use scanhost_store::ScannerReport;
use scanhost_system::{clock, pace::paced};

/// Between two looks at a breaker that lets nobody through.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Default)]
pub struct Breakers(Mutex<HashMap<ScannerId, Entry>>);

#[derive(Default)]
struct Entry {
    breaker: Breaker,
    /// When its circuit last changed; none when it never did.
    changed_at: Option<Timestamp>,
    /// Whether it is up, and what it says or why not.
    seen: Option<(bool, String)>,
    /// Whether it refuses the host's login.
    refuses_login: bool,
}

impl Breakers {
    fn lock(&self) -> MutexGuard<'_, HashMap<ScannerId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn circuit(&self, scanner: &ScannerId) -> Circuit {
        self.lock().get(scanner).map_or(Circuit::Closed, |entry| entry.breaker.circuit())
    }

    /// Whether new scans may be given to it.
    pub fn takes_scans(&self, scanner: &ScannerId) -> bool {
        self.lock().get(scanner).is_none_or(|entry| entry.breaker.takes_scans())
    }

    /// Gives a scanner that is reached in another way from now on a new chance, also with the other workers.
    pub fn reset(&self, scanner: &ScannerId) {
        self.change(scanner, |breaker| *breaker = Breaker::default());
    }

    /// Waits until a call may go to the scanner. While its breaker rests, the only one is the question how it is.
    pub async fn pass(&self, scanner: &ScannerId) {
        while !self.takes_scans(scanner) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether a breaker that is not closed has rested long enough for a probe.
    pub fn is_probe_due(&self, scanner: &ScannerId) -> bool {
        self.lock().get(scanner).is_some_and(|entry| entry.breaker.is_probe_due(clock::now(), paced(PROBE_DELAY)))
    }

    /// Begins the probe.
    pub fn begin_probe(&self, scanner: &ScannerId) {
        self.change(scanner, |breaker| {
            let _permitted = breaker.permit(clock::now(), paced(PROBE_DELAY));
        });
    }

    /// Whether that changed the circuit.
    pub fn change(&self, scanner: &ScannerId, change: impl FnOnce(&mut Breaker)) -> bool {
        let mut entries = self.lock();
        let entry = entries.entry(scanner.clone()).or_default();
        let before = entry.breaker.circuit();
        change(&mut entry.breaker);
        let after = entry.breaker.circuit();
        if after == Circuit::Closed {
            entry.refuses_login = false;
        }
        if before != after {
            entry.changed_at = Some(clock::now());
            tracing::warn!(%scanner, from = before.name(), to = after.name(), "breaker");
        }
        before != after
    }

    /// The scanner refuses the host's login: it gets no scans, and no calls but probes, until it takes the login again.
    pub fn refuse_login(&self, scanner: &ScannerId, message: String) {
        self.change(scanner, |breaker| breaker.open(clock::now()));
        self.lock().entry(scanner.clone()).or_default().refuses_login = true;
        self.see(scanner, false, message);
    }

    /// Takes over what another worker has seen since.
    pub fn adopt(&self, scanner: &ScannerId, report: &ScannerReport) {
        let mut entries = self.lock();
        let entry = entries.entry(scanner.clone()).or_default();
        if report.circuit == entry.breaker.circuit() && report.circuit != Circuit::Closed {
            entry.refuses_login |= report.refuses_login;
        }
        if report.changed_at > entry.changed_at && report.circuit != entry.breaker.circuit() {
            tracing::warn!(%scanner, to = report.circuit.name(), "breaker, as another worker has seen");
            entry.breaker = Breaker::reported(report.circuit, report.changed_at.unwrap_or_else(clock::now));
            entry.changed_at = report.changed_at;
            entry.refuses_login = report.refuses_login;
        }
    }

    /// Takes note of how the scanner is.
    pub fn see(&self, scanner: &ScannerId, up: bool, message: String) {
        let mut entries = self.lock();
        let entry = entries.entry(scanner.clone()).or_default();
        if entry.seen.as_ref().is_none_or(|(before, _)| *before != up) {
            if up {
                tracing::info!(%scanner, up, says = message, "scanner health");
            } else {
                tracing::warn!(%scanner, up, says = message, "scanner health");
            }
        }
        entry.seen = Some((up, message));
    }

    /// How this process sees the scanner; none before it has asked.
    pub fn report(&self, scanner: &ScannerId) -> Option<ScannerReport> {
        let entries = self.lock();
        let entry = entries.get(scanner)?;
        let (up, message) = entry.seen.clone()?;
        let (circuit, changed_at) = (entry.breaker.circuit(), entry.changed_at);
        let refuses_login = entry.refuses_login;
        Some(ScannerReport { up, message, refuses_login, circuit, changed_at, reported_at: clock::now() })
    }
}
