//! Plugins that the operator adds to the built-in ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use scanhost_domain::ids::BackendName;

use super::{command::Command, fields::Fields, problem::Position, setting::Setting, token::sha256};

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
}

/// Limits of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginLimits {
    pub memory_mib: u32,
    pub cpu: Duration,
    pub wall: Duration,
}

pub(super) fn read_all(
    setting: &Setting<'_>,
    commands: &BTreeMap<String, Arc<Command>>,
) -> Option<BTreeMap<String, PluginSource>> {
    // A plugin's name becomes the name of a backend or a profile, and both have the same form.
    let named = setting.named::<BackendName>()?;
    Some(named.into_iter().filter_map(|(name, plugin)| Some((name.to_string(), read(&plugin, commands)?))).collect())
}

fn read(setting: &Setting<'_>, known: &BTreeMap<String, Arc<Command>>) -> Option<PluginSource> {
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
    let commands = fields.or("commands", Vec::new(), |commands| {
        if !grants.contains("command") {
            commands.report("has no effect without `command` among its `grants`");
        }
        commands.list_of(|command| {
            let name = command.text()?;
            if !known.contains_key(name) {
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
    })
}

fn listed(commands: &BTreeMap<String, Arc<Command>>) -> String {
    if commands.is_empty() {
        return "the section `commands` is missing or empty".to_owned();
    }
    let names: Vec<_> = commands.keys().map(String::as_str).collect();
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
