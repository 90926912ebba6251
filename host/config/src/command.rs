//! Programs of this machine that plugins may run, with their arguments and limits.

mod pattern;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use scanhost_domain::ids::BackendName;

use super::{Config, fields::Fields, problem::Position, setting::Setting};
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
    /// The position that a problem with its program names.
    pub place: Option<Position>,
    /// Whether everything that its plugin depends on could be read.
    pub(crate) is_sound: bool,
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
        let granted = self.granted_commands(backend).into_iter();
        granted.filter_map(|name| self.commands.get(&name).cloned().map(|command| (name, command))).collect()
    }

    /// Whether no command that the backend may run has a problem.
    pub(crate) fn has_sound_commands(&self, backend: &BackendName) -> bool {
        let is_sound = |name: String| match self.commands.get(&name) {
            Some(command) => command.is_sound,
            None => !self.given_commands.may_have(&name),
        };
        let are_all_known = self.plugins.get(backend.as_str()).is_none_or(|plugin| plugin.are_commands_known);
        are_all_known && self.granted_commands(backend).into_iter().all(is_sound)
    }

    fn granted_commands(&self, backend: &BackendName) -> Vec<String> {
        match self.plugins.get(backend.as_str()) {
            Some(plugin) => plugin.commands.iter().cloned().collect(),
            None => vec![backend.to_string()],
        }
    }
}

pub(super) fn read_all(setting: &Setting<'_>) -> Option<BTreeMap<String, Arc<Command>>> {
    let named = setting.named::<BackendName>()?;
    let read = |(name, command): (Option<BackendName>, Setting<'_>)| {
        let command = read(&command);
        Some((name?.to_string(), Arc::new(command?)))
    };
    Some(named.into_iter().filter_map(read).collect())
}

fn read(setting: &Setting<'_>) -> Option<Command> {
    let mut fields = setting.fields();
    let place = fields.place("program");
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
    let is_sound = !["program", "allow", "env"].into_iter().any(|key| setting.has_problem_in(key));
    Some(Command { program: program?, allow: allow?, env, limits, place, is_sound })
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
