//! One file of the configuration, read as far as that is possible without knowing its keys: variables are filled in,
//! and no key is given twice.

use std::{collections::BTreeMap, path::Path};

use super::{
    context::Context,
    problem::Position,
    setting::{Setting, join},
    variable,
    yaml::{self, Origin, Value, Yaml},
};

pub(super) struct Document {
    file: &'static str,
    root: Yaml,
}

impl Document {
    /// Parses the text of a file; `None` after a problem.
    pub(super) fn parse(context: &Context<'_>, file: &'static str, source: &str) -> Option<Self> {
        match yaml::parse(source) {
            Ok(mut root) => {
                if matches!(root.value, Value::Null) {
                    root.value = Value::Mapping(Vec::new());
                }
                let place = yaml::place(root.referenced);
                Preparation { context, file, source }.prepare(&mut root, place, "");
                Some(Self { file, root })
            }
            Err((place, mut message)) => {
                if place.is_some_and(|place| stands_in_line("${", source, place)) {
                    message.push_str(" (inside `{…}` and `[…]` a value with `${…}` has to be in quotes)");
                }
                context.report(file, place, "", message);
                None
            }
        }
    }

    /// `None` after a problem. A file that does not exist counts as empty, unless it is needed.
    pub(super) fn read(context: &Context<'_>, folder: &Path, file: &'static str, is_needed: bool) -> Option<Self> {
        match context.read(&folder.join(file)) {
            Ok(source) => Self::parse(context, file, &source),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_needed => Self::parse(context, file, ""),
            Err(error) => {
                context.report(file, None, "", format!("cannot be read from {}: {error}", folder.display()));
                None
            }
        }
    }

    pub(super) fn root<'a>(&'a self, context: &'a Context<'a>) -> Setting<'a> {
        let place = yaml::place(self.root.referenced);
        Setting { context, file: self.file, place, path: String::new(), value: &self.root.value }
    }
}

struct Preparation<'a> {
    context: &'a Context<'a>,
    file: &'static str,
    source: &'a str,
}

impl Preparation<'_> {
    fn prepare(&self, yaml: &mut Yaml, place: Option<Position>, path: &str) {
        let is_quoted = yaml::is_quoted(yaml, self.source);
        match &mut yaml.value {
            Value::Text(text) => match variable::expand(&text.text, self.context.environment) {
                Ok(None) => {}
                Ok(Some(expanded)) => {
                    text.text = expanded;
                    text.origin = Origin::Expanded { is_quoted };
                }
                Err(messages) => {
                    messages.into_iter().for_each(|message| self.context.report(self.file, place, path, message));
                    yaml.value = Value::Unusable;
                }
            },
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let place = yaml::place(item.referenced);
                    self.prepare(item, place, &format!("{path}[{index}]"));
                }
            }
            Value::Mapping(entries) => {
                let mut seen = BTreeMap::new();
                entries.retain_mut(|(key, value)| {
                    let place = yaml::place(key.referenced);
                    let path = join(path, &key.value.0);
                    if let Some(first) = seen.get(&key.value.0).copied() {
                        self.context.report(self.file, place, &path, duplicate(first));
                        return false;
                    }
                    seen.insert(key.value.0.clone(), place);
                    self.prepare(value, place, &path);
                    true
                });
            }
            Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) | Value::Unusable => {}
        }
    }
}

fn duplicate(first: Option<Position>) -> String {
    match first {
        Some(first) => format!("the key is given twice, first in line {}", first.line),
        None => "the key is given twice".to_owned(),
    }
}

fn stands_in_line(text: &str, source: &str, place: Position) -> bool {
    let index = usize::try_from(place.line - 1).ok();
    index.and_then(|index| source.lines().nth(index)).is_some_and(|line| line.contains(text))
}
