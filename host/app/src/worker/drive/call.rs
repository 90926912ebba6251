//! One call to the scanner, and what comes of it for the scanner's breaker.

use scanhost_sandbox::{Fault, ScannerError};
use scanhost_system::failpoint;

use super::Driver;
use crate::{scanners, trouble::Trouble};

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
        let trouble = match failpoint::around(step, call).await {
            Ok(Ok(value)) => {
                scanners::succeeded(&self.host, scanner);
                return Ok(value);
            }
            Ok(Err(error)) => Trouble::from(error),
            Err(fault) => Trouble::from(fault),
        };
        if trouble.is_outage() {
            scanners::failed(&self.host, scanner, &trouble.failure.message).await;
        } else if trouble.is_answer() {
            scanners::succeeded(&self.host, scanner);
        }
        Err(trouble)
    }
}
