//! Going back to a plugin's last good version, and to the configured file again. Both last over restarts: the ledger in
//! the data folder says what is in use instead of the file, for as long as the file stays as it is.

use std::sync::Arc;

use scanhost_sandbox::Digest;

use crate::{
    clock,
    config::{PluginSource, Problem},
    host::Host,
    plugin_file,
    plugins::{Plugin, WentBack},
    refusal::{ErrorCode, Refusal},
    reload::apply::take_into_use,
    snapshot::{self, Snapshot, Wanted},
};

/// Puts the version that served before into the place of the present one; or, where the configured file was refused and
/// an older version serves, makes that one stay.
///
/// # Errors
/// When there is no such version or it cannot be used. Nothing has changed then.
pub async fn roll_back(host: &Arc<Host>, name: &str, reason: &str) -> Result<Arc<Plugin>, Refusal> {
    let _turn = host.reloads.turn().await;
    let before = host.snapshot.load_full();
    let (plugin, source) = configured(&before, name)?;
    let serving = plugin.digest().to_string();
    let file = plugin_file::read(&source.file).map_err(unusable)?;
    let file = Digest::of(&file).to_string();
    let ledger = host.kept.ledger().map_err(unusable)?;
    let is_refused = file != serving && ledger.went_back(name, &file).is_none();
    let to = if is_refused {
        serving.clone()
    } else {
        let last_good = ledger.before(name, &serving).ok_or_else(|| {
            let message = format!("no other version of `{name}` has served that is not known to be bad");
            Refusal::new(ErrorCode::Conflict, message, "Put the wanted version's file in the place of the present one.")
        })?;
        last_good.sha256.clone()
    };
    if let Some(pinned) = source.sha256.map(Digest::from)
        && pinned.to_string() != to
    {
        let message = format!("the configuration pins `{name}` to sha256 {pinned}, and the last good version is {to}");
        let hint = format!("Change plugins.{name}.sha256 in scanhost.yaml, or leave it out; then try again.");
        return Err(Refusal::new(ErrorCode::Conflict, message, hint));
    }
    let back = WentBack { to, instead_of: file, at: clock::now(), reason: reason.to_owned() };
    host.kept.change(|ledger| ledger.go_back(name, &serving, back)).map_err(unusable)?;
    let swapped = swap(host, before, name).await;
    if swapped.is_err() {
        host.kept.change(|present| *present = ledger).map_err(unusable)?;
    }
    swapped
}

/// Takes the configured file into use again, which was gone back from.
///
/// # Errors
/// When it was not, or the file cannot be used. Nothing has changed then.
pub async fn use_file(host: &Arc<Host>, name: &str) -> Result<Arc<Plugin>, Refusal> {
    let _turn = host.reloads.turn().await;
    let before = host.snapshot.load_full();
    configured(&before, name)?;
    let ledger = host.kept.ledger().map_err(unusable)?;
    if !host.kept.change(|ledger| ledger.use_file(name)).map_err(unusable)? {
        let message = format!("`{name}` was not rolled back");
        return Err(Refusal::new(ErrorCode::Conflict, message, "`scanhost plugin list` shows what is in use."));
    }
    let swapped = swap(host, before, name).await;
    if swapped.is_err() {
        host.kept.change(|present| *present = ledger).map_err(unusable)?;
    }
    swapped
}

/// Loads this one plugin again, whatever else has changed on disk.
async fn swap(host: &Arc<Host>, before: Arc<Snapshot>, name: &str) -> Result<Arc<Plugin>, Refusal> {
    let wanted = Wanted { config: before.config.clone(), only: Some(name.to_owned()) };
    let built = snapshot::build(&host.sandbox, &host.kept, wanted, Some(before.clone())).await;
    let new = Arc::new(built.map_err(|problems| {
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        Refusal::new(ErrorCode::Conflict, told.join("; "), "Nothing has changed.")
    })?);
    take_into_use(host, &before, &new);
    let plugin = new.plugins.iter().find(|plugin| plugin.name == name).cloned();
    plugin.ok_or_else(|| Refusal::new(ErrorCode::NotFound, format!("`{name}` is gone"), "Nothing has changed."))
}

fn configured<'a>(snapshot: &'a Snapshot, name: &str) -> Result<(&'a Arc<Plugin>, &'a PluginSource), Refusal> {
    let plugin = snapshot.plugins.iter().find(|plugin| plugin.name == name);
    plugin.zip(snapshot.config.plugins.get(name)).ok_or_else(|| {
        let names: Vec<&str> = snapshot.config.plugins.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        let message = format!("there is no plugin `{name}` under `plugins` in scanhost.yaml");
        Refusal::new(
            ErrorCode::NotFound,
            message,
            format!("Those that come with scanhost have one version; others: {known}."),
        )
    })
}

fn unusable(problem: String) -> Refusal {
    Refusal::new(ErrorCode::Unavailable, problem, "Nothing has changed.")
}
