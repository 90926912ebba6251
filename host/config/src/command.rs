//! Programs of this machine that plugins may run, with their arguments and limits.

mod pattern;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use scanhost_domain::ids::BackendName;

use super::{Config, fields::Fields, setting::Setting};
use crate::secret::Secret;

pub use pattern::Pattern;

/// A program that plugins can be granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The absolute path of the program.
    pub program: PathBuf,
    /// The patterns; each argument has to fit one of them.
    pub allow: Vec<Pattern>,
    /// All of its environment. The values may be secrets, so they are not shown.
    pub env: Vec<(String, Secret)>,
    pub limits: CommandLimits,
}

/// Limits of one run of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandLimits {
    pub time: Duration,
    /// Bytes of memory of all its processes together.
    pub memory: u64,
    /// Bytes that it may write, to its output and into its folder together.
    pub output: u64,
    pub processes: u32,
}

impl Config {
    /// The commands that a backend may run, by name: those of its plugin's entry. A built-in backend has no entry, and
    /// may run the command of its own name.
    pub fn commands_of(&self, backend: &BackendName) -> BTreeMap<String, Arc<Command>> {
        let own = [backend.to_string()];
        let granted: Vec<&String> = match self.plugins.get(backend.as_str()) {
            Some(plugin) => plugin.commands.iter().collect(),
            None => own.iter().collect(),
        };
        let granted = granted.into_iter().filter_map(|name| Some((name.clone(), self.commands.get(name)?.clone())));
        granted.collect()
    }
}

pub(super) fn read_all(setting: &Setting<'_>) -> Option<BTreeMap<String, Arc<Command>>> {
    let named = setting.named::<BackendName>()?;
    Some(named.into_iter().filter_map(|(name, command)| Some((name.to_string(), Arc::new(read(&command)?)))).collect())
}

fn read(setting: &Setting<'_>) -> Option<Command> {
    let mut fields = setting.fields();
    let program = fields.required("program").and_then(|program| {
        let path = PathBuf::from(program.text()?);
        if !path.is_absolute() || program.text()?.contains('\0') {
            program.report("must be the absolute path of a program, such as /usr/bin/nmap: PATH is not searched");
        }
        Some(path)
    });
    let allow = fields.required("allow").and_then(|allow| allow.list_of(|pattern| pattern.parse()));
    let env = fields.or("env", Vec::new(), |env| environment(&env));
    if let Some(cwd) = fields.get("cwd")
        && cwd.text().is_some_and(|cwd| cwd != "scratch")
    {
        cwd.report("must be `scratch`: each run has a folder of its own");
    }
    let limits = limits(fields.section("limits"));
    fields.finish();
    Some(Command { program: program?, allow: allow?, env, limits })
}

fn environment(setting: &Setting<'_>) -> Option<Vec<(String, Secret)>> {
    let read = |(name, value): (&str, Setting<'_>)| {
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            value.report("the name of a variable must consist of letters, digits and `_`");
        }
        let secret = value.secret()?;
        if secret.expose().contains('\0') {
            value.report("must not contain a zero byte");
        }
        Some((name.to_owned(), secret))
    };
    Some(setting.entries()?.into_iter().filter_map(read).collect())
}

fn limits(mut fields: Fields<'_>) -> CommandLimits {
    let mebibytes = |most| move |setting: Setting<'_>| Some(setting.whole(1..=most)? << 20);
    let limits = CommandLimits {
        time: fields.or("seconds", Duration::from_secs(86_400), |setting| {
            setting.duration(Duration::from_secs(1), 0.1..=31_536_000.0)
        }),
        memory: fields.or("memory_mib", 1 << 30, mebibytes(1 << 20)),
        output: fields.or("output_mib", 1 << 30, mebibytes(1 << 20)),
        processes: fields.or("processes", 32, |setting| u32::try_from(setting.whole(1..=10_000)?).ok()),
    };
    fields.finish();
    limits
}
