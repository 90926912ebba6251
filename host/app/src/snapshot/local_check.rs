//! Asking a scanner that is not driving a scan: how it is, and whether one without an address can work at all.

use scanhost_outbound::{command::ProgramReach, egress::Placeholders};
use scanhost_sandbox::{CallContext, ScannerReach};
use scanhost_system::{clock, installation::Installation};

use crate::{plugin_log::PluginLog, snapshot::LoadedScanner, trouble::Trouble};

/// What a call on a scanner gets that is for no scan.
pub fn plain_call(scanner: &LoadedScanner, installation: &Installation) -> (ScannerReach, CallContext) {
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

/// Why a scanner cannot work, in words for the operator.
pub enum Unfit {
    /// It never will as it is configured.
    Mistake(String),
    /// It may when something else is put right, such as a program that is not installed.
    Outage(String),
}
