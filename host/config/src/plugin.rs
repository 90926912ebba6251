//! Plugins that the operator adds to the built-in ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use scanhost_domain::ids::BackendName;

use super::{fields::Fields, names::Names, problem::Position, setting::Setting, token::sha256};

#[derive(Clone, Debug)]
pub struct PluginSource {
    pub file: PathBuf,
    /// The digest that the file must have, if the operator gives one.
    pub sha256: Option<[u8; 32]>,
    /// Names of grants, which are checked where the plugin is loaded.
    pub grants: BTreeSet<String>,
    /// Names of commands of the configuration that it may run.
    pub commands: BTreeSet<String>,
    pub limits: PluginLimits,
    /// The position that a problem with it names.
    pub place: Option<Position>,
    /// Whether its grants could be read; without them it would not load.
    pub(crate) are_grants_known: bool,
    /// Whether its list of commands could be read, and names only commands that are given.
    pub(crate) are_commands_known: bool,
}

/// Limits of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginLimits {
    pub memory_mib: u32,
    pub cpu: Duration,
    pub wall: Duration,
}

/// The plugins by name. `commands` are the names of the commands that are given.
pub(super) fn read_all(setting: &Setting<'_>, commands: &Names) -> Option<BTreeMap<String, PluginSource>> {
    // A plugin's name becomes the name of a backend or a profile, and both have the same form.
    let named = setting.named::<BackendName>()?;
    let read = |(name, plugin): (Option<BackendName>, Setting<'_>)| {
        let plugin = read(&plugin, commands);
        Some((name?.to_string(), plugin?))
    };
    Some(named.into_iter().filter_map(read).collect())
}

fn read(setting: &Setting<'_>, known: &Names) -> Option<PluginSource> {
    let mut fields = setting.fields();
    let file = fields.required("file").and_then(|file| {
        let text = file.text()?;
        if text.is_empty() {
            file.report("must be the path of a component");
        }
        Some(setting.context.resolve(text))
    });
    let digest = fields.get("sha256").and_then(|digest| sha256(&digest));
    let grants = fields.or("grants", Vec::new(), |grants| grants.list_of(|grant| grant.text().map(str::to_owned)));
    let grants: BTreeSet<String> = grants.into_iter().collect();
    let mut are_grants_known = !setting.has_problem_in("grants");
    let commands = fields.or("commands", Vec::new(), |commands| {
        if are_grants_known && !grants.contains("command") {
            are_grants_known = false;
            commands.report("has no effect without `command` among its `grants`");
        }
        commands.list_of(|command| {
            let name = command.text()?;
            if !known.may_have(name) {
                command.report(format!("there is no command of that name: {}", listed(known)));
            }
            Some(name.to_owned())
        })
    });
    let limits = limits(fields.section("limits"));
    fields.finish();
    Some(PluginSource {
        file: file?,
        sha256: digest,
        grants,
        commands: commands.into_iter().collect(),
        limits,
        place: setting.place,
        are_grants_known,
        are_commands_known: !setting.has_problem_in("commands"),
    })
}

fn listed(commands: &Names) -> String {
    let names: Vec<&str> = commands.iter().collect();
    if names.is_empty() {
        return "the section `commands` is missing or empty".to_owned();
    }
    format!("`commands` has {}", names.join(", "))
}

fn limits(mut fields: Fields<'_>) -> PluginLimits {
    let milliseconds = |setting: Setting<'_>| setting.whole(1..=600_000).map(Duration::from_millis);
    let seconds = |setting: Setting<'_>| setting.duration(Duration::from_secs(1), 0.1..=3_600.0);
    let limits = PluginLimits {
        memory_mib: fields.or("memory_mib", 128, |setting| u32::try_from(setting.whole(1..=4_096)?).ok()),
        cpu: fields.or("cpu_ms", Duration::from_millis(2_000), milliseconds),
        wall: fields.or("wall_seconds", Duration::from_secs(30), seconds),
    };
    fields.finish();
    limits
}
