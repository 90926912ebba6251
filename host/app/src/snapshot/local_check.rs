//! Calls of a backend that belong to no scan: the health of a scanner, and the check of a scanner without an address.

use scanhost_outbound::{command::ProgramReach, egress::Placeholders};
use scanhost_sandbox::{CallContext, ScannerReach};
use scanhost_system::{clock, installation::Installation};

use crate::{plugin_log::PluginLog, snapshot::LoadedScanner, trouble::Trouble};

/// Returns the reach and the context of a call that belongs to no scan.
pub fn call_without_scan(scanner: &LoadedScanner, installation: &Installation) -> (ScannerReach, CallContext) {
    let plugin = scanner.backend.description().name.to_string();
    let reach = ScannerReach {
        http: Box::new(scanner.client.call(None, Placeholders::default(), false)),
        program: Some(Box::new(ProgramReach { commands: scanner.commands.clone(), scan: None })),
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

pub async fn health(scanner: &LoadedScanner, installation: &Installation) -> Result<(bool, String), Trouble> {
    let (reach, context) = call_without_scan(scanner, installation);
    match scanner.backend.health(reach, context).await {
        Ok(Ok(health)) => Ok((health.ready, health.message)),
        Ok(Err(error)) => Err(error.into()),
        Err(fault) => Err(fault.into()),
    }
}

/// Checks that a scanner without an address can work as it is configured. A scanner with an address is not checked,
/// since the configuration is correct even if the scanner is down.
///
/// # Errors
/// The message of its backend.
pub async fn check_local(scanner: &LoadedScanner) -> Result<(), Unfit> {
    if scanner.config.url.is_some() {
        return Ok(());
    }
    match health(scanner, &Installation::none()).await {
        Ok((true, _)) => Ok(()),
        Ok((false, problem)) => Err(Unfit::Mistake(problem)),
        Err(trouble) if trouble.is_outage() => Err(Unfit::Outage(trouble.failure.message)),
        Err(trouble) => Err(Unfit::Mistake(trouble.failure.message)),
    }
}

/// Why a scanner cannot work, as a message for the operator.
pub enum Unfit {
    /// It cannot work until its configuration is corrected.
    Mistake(String),
    /// It can work once something outside the configuration is fixed, such as a program that is not installed.
    Outage(String),
}
