//! Going back to a plugin's last good version, and to the configured file again. Both last over restarts: the ledger in
//! the data folder says what is in use instead of the file, for as long as the file stays as it is.

use std::sync::Arc;

use scanhost_config::{PluginSource, Problem};
use scanhost_sandbox::Digest;
use scanhost_system::clock;
use tokio::sync::MutexGuard;

use crate::{
    host::Host,
    plugin_file,
    plugins::{Ledger, Origin, Plugin, WentBack},
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
    let turn = host.reloads.turn().await;
    go_back(&turn, host, name, reason, None).await
}

/// The same for a version that was found to be bad, where it is still the present one and no other file was put in its
/// place.
///
/// # Errors
/// As [`roll_back`], and when another version has come meanwhile.
pub async fn roll_back_from(host: &Arc<Host>, bad: &Plugin, reason: &str) -> Result<Arc<Plugin>, Refusal> {
    let turn = host.reloads.turn().await;
    go_back(&turn, host, &bad.name, reason, Some(bad)).await
}

async fn go_back(
    _turn: &MutexGuard<'_, ()>,
    host: &Arc<Host>,
    name: &str,
    reason: &str,
    bad: Option<&Plugin>,
) -> Result<Arc<Plugin>, Refusal> {
    let before = host.snapshot.load_full();
    let (plugin, source) = configured(&before, name)?;
    let file = Digest::of(&plugin_file::read(&source.file).map_err(unusable)?);
    if let Some(bad) = bad
        && (plugin.is_none_or(|plugin| plugin.digest() != bad.digest()) || bad.file_digest() != Some(file))
    {
        let message = format!("another version of `{name}` has come meanwhile");
        return Err(Refusal::new(ErrorCode::Conflict, message, "Nothing needs to be done."));
    }
    let file = file.to_string();
    let decided = host.kept.change(|ledger| {
        let found = ledger.clone();
        let back = choose(ledger, name, plugin, source, &file)?;
        let serving = serving(ledger, name, plugin, &file);
        let back = WentBack { to: back, instead_of: file.clone(), at: clock::now(), reason: reason.to_owned() };
        ledger.go_back(name, &serving, back.clone());
        Ok::<_, Refusal>((found, back))
    });
    let (found, back) = decided.map_err(unusable)??;
    let swapped = swap(host, before.clone(), name).await;
    if swapped.is_err() {
        host.kept.change(|ledger| ledger.undo(name, Some(&back), &found)).map_err(unusable)?;
    }
    swapped
}

/// The digest of the version to go back to.
fn choose(
    ledger: &Ledger,
    name: &str,
    plugin: Option<&Arc<Plugin>>,
    source: &PluginSource,
    file: &str,
) -> Result<String, Refusal> {
    let serving = serving(ledger, name, plugin, file);
    let is_refused = plugin.is_some() && serving != file && ledger.went_back(name, file).is_none();
    let to = if is_refused {
        serving
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
    Ok(to)
}

/// The digest of what serves, or of what should where it cannot be loaded.
fn serving(ledger: &Ledger, name: &str, plugin: Option<&Arc<Plugin>>, file: &str) -> String {
    let wanted = || ledger.went_back(name, file).map_or_else(|| file.to_owned(), |back| back.to.clone());
    plugin.map_or_else(wanted, |plugin| plugin.digest().to_string())
}

/// Takes the configured file into use again, which was gone back from.
///
/// # Errors
/// When it was not, or the file cannot be used. Nothing has changed then.
pub async fn use_file(host: &Arc<Host>, name: &str) -> Result<Arc<Plugin>, Refusal> {
    let _turn = host.reloads.turn().await;
    let before = host.snapshot.load_full();
    configured(&before, name)?;
    let used = host.kept.change(|ledger| {
        let found = ledger.clone();
        ledger.use_file(name).then_some(found)
    });
    let Some(found) = used.map_err(unusable)? else {
        let message = format!("`{name}` was not rolled back");
        return Err(Refusal::new(ErrorCode::Conflict, message, "`scanhost plugin list` shows what is in use."));
    };
    let swapped = swap(host, before, name).await;
    if swapped.is_err() {
        host.kept.change(|ledger| ledger.undo(name, None, &found)).map_err(unusable)?;
    }
    swapped
}

/// Loads this one plugin again, whatever else has changed on disk.
async fn swap(host: &Arc<Host>, before: Arc<Snapshot>, name: &str) -> Result<Arc<Plugin>, Refusal> {
    let wanted = Wanted { config: before.config.clone(), only: Some(name.to_owned()) };
    let refused = |problems: &[Problem]| {
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        Refusal::new(ErrorCode::Conflict, told.join("; "), "Nothing has changed.")
    };
    let built = snapshot::build_what_loads(&host.sandbox, &host.kept, wanted, Some(before.clone())).await;
    let (new, mut problems) = built.map_err(|problems| refused(&problems))?;
    // What else does not load in a process that administers has nothing to do with this one.
    let (own, known) = (format!("plugins.{name}"), host.reloads.problems_from_start());
    problems.retain(|problem| problem.key == own || !known.contains(problem));
    if !problems.is_empty() {
        return Err(refused(&problems));
    }
    let new = Arc::new(new);
    take_into_use(host, &before, &new, None);
    let plugin = new.plugins.iter().find(|plugin| plugin.name == name).cloned();
    plugin.ok_or_else(|| Refusal::new(ErrorCode::NotFound, format!("`{name}` is gone"), "Nothing has changed."))
}

/// What is loaded of the name, if it could be, and its entry.
fn configured<'a>(snapshot: &'a Snapshot, name: &str) -> Result<(Option<&'a Arc<Plugin>>, &'a PluginSource), Refusal> {
    let source = snapshot.config.plugins.get(name);
    let plugin = snapshot.plugins.iter().find(|plugin| plugin.name == name && plugin.origin != Origin::BuiltIn);
    source.map(|source| (plugin, source)).ok_or_else(|| {
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
