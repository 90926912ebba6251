//! Rolls a plugin back to its last good version, and ends a rollback. Both survive restarts, since the ledger in the
//! data folder says which version is used instead of the configured file. A rollback ends when the file changes.

use std::sync::Arc;

use scanhost_config::{PluginSource, Problem};
use scanhost_sandbox::Digest;
use scanhost_system::clock;
use tokio::sync::MutexGuard;

use crate::{
    host::Host,
    plugin_file,
    plugins::{Ledger, Origin, Plugin, Rollback},
    refusal::{ErrorCode, Refusal},
    reload::apply::take_into_use,
    snapshot::{self, BuildInput, Snapshot},
};

/// The hint for a problem that an operator can fix.
const FIX_AND_RETRY: &str = "Nothing has changed. Fix the problem, then try again.";

/// Replaces the version in use by the last good one. If the configured file was refused and an older version is still
/// in use, that version stays in use, also after a restart.
///
/// # Errors
/// There is no last good version, or it cannot be used. Nothing has changed then.
pub async fn roll_back(host: &Arc<Host>, name: &str, reason: &str) -> Result<Arc<Plugin>, Refusal> {
    let turn = host.reloads.turn().await;
    replace(&turn, host, name, reason, None).await
}

/// Replaces a version that was found to be bad by the last good one.
///
/// # Errors
/// Like [`roll_back`], and also if `bad` is no longer in use or its file has changed.
pub async fn roll_back_from(host: &Arc<Host>, bad: &Plugin, reason: &str) -> Result<Arc<Plugin>, Refusal> {
    let turn = host.reloads.turn().await;
    replace(&turn, host, &bad.name, reason, Some(bad)).await
}

async fn replace(
    _turn: &MutexGuard<'_, ()>,
    host: &Arc<Host>,
    name: &str,
    reason: &str,
    bad: Option<&Plugin>,
) -> Result<Arc<Plugin>, Refusal> {
    let before = host.snapshot.load_full();
    let (plugin, source) = configured(&before, name)?;
    let file = Digest::of(&plugin_file::read(&source.file).map_err(unavailable)?);
    if let Some(bad) = bad
        && (plugin.is_none_or(|plugin| plugin.digest() != bad.digest()) || bad.file_digest() != Some(file))
    {
        let message = format!("another version of `{name}` was put in place in the meantime");
        return Err(Refusal::new(ErrorCode::Conflict, message, "Nothing needs to be done."));
    }
    let file = file.to_string();
    let recorded = host.plugin_archive.change(|ledger| {
        let found = ledger.clone();
        let to = choose(ledger, name, plugin, source, &file)?;
        let from = digest_in_use(ledger, name, plugin, &file);
        let rollback = Rollback { to, instead_of: file.clone(), at: clock::now(), reason: reason.to_owned() };
        ledger.roll_back(name, &from, rollback.clone());
        Ok::<_, Refusal>((found, rollback))
    });
    let (found, rollback) = recorded.map_err(unavailable)??;
    let swapped = swap(host, before.clone(), name).await;
    if swapped.is_err() {
        host.plugin_archive.change(|ledger| ledger.undo(name, Some(&rollback), &found)).map_err(unavailable)?;
    }
    swapped
}

/// Returns the digest of the version to use instead of the file.
fn choose(
    ledger: &Ledger,
    name: &str,
    plugin: Option<&Arc<Plugin>>,
    source: &PluginSource,
    file: &str,
) -> Result<String, Refusal> {
    let in_use = digest_in_use(ledger, name, plugin, file);
    let is_file_refused = plugin.is_some() && in_use != file && ledger.rollback_for(name, file).is_none();
    let to = if is_file_refused {
        in_use
    } else {
        let last_good = ledger.last_good(name, &in_use).ok_or_else(|| {
            let message = format!("there is no earlier version of `{name}` that is not known to be bad");
            Refusal::new(ErrorCode::Conflict, message, "Replace the plugin's file by the version that you want.")
        })?;
        last_good.sha256.clone()
    };
    if let Some(pinned) = source.sha256.map(Digest::from)
        && pinned.to_string() != to
    {
        let message = format!("the configuration pins `{name}` to sha256 {pinned}, and the last good version is {to}");
        let hint = format!("Change plugins.{name}.sha256 in scanhost.yaml, or remove it; then try again.");
        return Err(Refusal::new(ErrorCode::Conflict, message, hint));
    }
    Ok(to)
}

/// Returns the digest of the version in use or, if none could be loaded, of the one that should be in use.
fn digest_in_use(ledger: &Ledger, name: &str, plugin: Option<&Arc<Plugin>>, file: &str) -> String {
    let wanted = || ledger.rollback_for(name, file).map_or_else(|| file.to_owned(), |rollback| rollback.to.clone());
    plugin.map_or_else(wanted, |plugin| plugin.digest().to_string())
}

/// Ends the plugin's rollback, so that its configured file is used again.
///
/// # Errors
/// The plugin was not rolled back, or its file cannot be used. Nothing has changed then.
pub async fn use_file(host: &Arc<Host>, name: &str) -> Result<Arc<Plugin>, Refusal> {
    let _turn = host.reloads.turn().await;
    let before = host.snapshot.load_full();
    configured(&before, name)?;
    let ended = host.plugin_archive.change(|ledger| {
        let found = ledger.clone();
        ledger.use_file(name).then_some(found)
    });
    let Some(found) = ended.map_err(unavailable)? else {
        let message = format!("`{name}` was not rolled back");
        return Err(Refusal::new(
            ErrorCode::Conflict,
            message,
            "Nothing needs to be done. `scanhost plugin list` shows which version is in use.",
        ));
    };
    let swapped = swap(host, before, name).await;
    if swapped.is_err() {
        host.plugin_archive.change(|ledger| ledger.undo(name, None, &found)).map_err(unavailable)?;
    }
    swapped
}

/// Loads this one plugin again. Other changes on disk are ignored.
async fn swap(host: &Arc<Host>, before: Arc<Snapshot>, name: &str) -> Result<Arc<Plugin>, Refusal> {
    let input = BuildInput { config: before.config.clone(), only: Some(name.to_owned()) };
    let refused = |problems: &[Problem]| {
        let messages: Vec<String> = problems.iter().map(Problem::to_string).collect();
        Refusal::new(ErrorCode::Conflict, messages.join("; "), FIX_AND_RETRY)
    };
    let built = snapshot::build_loadable(&host.sandbox, &host.plugin_archive, input, Some(before.clone())).await;
    let (new, mut problems) = built.map_err(|problems| refused(&problems))?;
    // Problems that were there before this change do not stop it, unless they are about this plugin.
    let (own, known) = (format!("plugins.{name}"), host.reloads.problems_from_start());
    problems.retain(|problem| problem.key == own || !known.contains(problem));
    if !problems.is_empty() {
        return Err(refused(&problems));
    }
    let new = Arc::new(new);
    take_into_use(host, &before, &new, None);
    let plugin = new.plugins.iter().find(|plugin| plugin.name == name).cloned();
    plugin.ok_or_else(|| Refusal::new(ErrorCode::NotFound, format!("the plugin `{name}` was removed"), FIX_AND_RETRY))
}

/// Returns the plugin of this name, if it could be loaded, and its entry in the configuration.
fn configured<'a>(snapshot: &'a Snapshot, name: &str) -> Result<(Option<&'a Arc<Plugin>>, &'a PluginSource), Refusal> {
    let source = snapshot.config.plugins.get(name);
    let plugin = snapshot.plugins.iter().find(|plugin| plugin.name == name && plugin.origin != Origin::BuiltIn);
    source.map(|source| (plugin, source)).ok_or_else(|| {
        let names: Vec<&str> = snapshot.config.plugins.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let message = format!("there is no plugin `{name}` under `plugins` in scanhost.yaml");
        Refusal::new(
            ErrorCode::NotFound,
            message,
            format!("Built-in plugins have only one version. Configured plugins: {known}."),
        )
    })
}

fn unavailable(problem: String) -> Refusal {
    Refusal::new(ErrorCode::Unavailable, problem, FIX_AND_RETRY)
}
