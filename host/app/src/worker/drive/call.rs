//! One call to the scanner, and what comes of it for the scanner's breaker.

use scanhost_domain::scan::{Failure, FailureCode};
use scanhost_sandbox::{Fault, ScannerError};
use scanhost_system::failpoint;

use super::Driver;
use crate::{
    scanners::{self, LoginCheck},
    trouble::{Cure, Trouble},
};

impl Driver {
    /// One call to the scanner, when its breaker lets it through; what comes of it is the breaker's to know.
    pub(super) async fn judged<T>(
        &self,
        step: &str,
        call: impl Future<Output = Result<Result<T, ScannerError>, Fault>>,
    ) -> Result<T, Trouble> {
        let scanner = &self.running.slot.scanner;
        // Nobody probes a scanner that left the configuration; its last scans go on without a breaker.
        if self.host.snapshot.load().scanner(scanner).is_some() {
            tokio::select! {
                biased;
                () = self.interrupt.cancelled() => return Err(Trouble::transient("the scan is to end".into(), None)),
                () = self.host.breakers.pass(scanner) => {}
            }
        }
        let working = self.mark.work().await;
        let answer = failpoint::around(step, call).await;
        drop(working);
        let trouble = match answer {
            Ok(Ok(value)) => {
                scanners::succeeded(&self.host, scanner);
                return Ok(value);
            }
            Ok(Err(error)) => Trouble::from(error),
            Err(fault) => Trouble::from(fault),
        };
        let trouble = if trouble.is_login() { self.check_login(trouble).await } else { trouble };
        if trouble.is_outage() {
            scanners::failed(&self.host, scanner, &trouble.failure.message).await;
        } else if trouble.is_answer() {
            scanners::succeeded(&self.host, scanner);
        }
        Err(trouble)
    }

    /// Tells a scanner that refuses the host's login from one that refuses only this operation.
    async fn check_login(&self, trouble: Trouble) -> Trouble {
        let snapshot = self.host.snapshot.load_full();
        let Some(scanner) = snapshot.scanner(&self.running.slot.scanner) else {
            // Nobody looks after the login of a scanner that left the configuration.
            return Trouble::permanent(FailureCode::ScannerLogin, trouble.failure.message);
        };
        match scanners::check_login(&self.host, scanner).await {
            LoginCheck::Accepted => Trouble::permanent(FailureCode::Rejected, trouble.failure.message),
            LoginCheck::Refused(message) => {
                Trouble { failure: Failure { code: FailureCode::ScannerLogin, message }, cure: Cure::AwaitLogin }
            }
            LoginCheck::Unknown(unknown) => Trouble::transient(unknown.failure.message, None),
        }
    }
}
