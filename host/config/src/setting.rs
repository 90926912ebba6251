//! One value of the configuration with its position, and the typed ways to read it.
//! A reader that returns `None` has reported why, so that the next setting can be read and every problem is found.

use std::{collections::BTreeSet, fmt::Display, ops::RangeInclusive, path::Path, str::FromStr, time::Duration};

use super::{
    context::Context,
    problem::Position,
    yaml::{self, Origin, Text, Value},
};
use crate::secret::Secret;

#[derive(Clone)]
pub(super) struct Setting<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) file: &'static str,
    pub(super) place: Option<Position>,
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> Setting<'a> {
    pub(super) fn report(&self, message: impl Into<String>) {
        self.context.report(self.file, self.place, &self.path, message.into());
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.context.warn(self.file, self.place, &self.path, message.into());
    }

    /// Whether a problem was reported about this setting, or about something within its value.
    pub(super) fn has_problem(&self) -> bool {
        self.context.has_problem_within(self.file, &self.path)
    }

    /// Whether a problem was reported about this key of a mapping, or about something within its value.
    pub(super) fn has_problem_in(&self, key: &str) -> bool {
        self.context.has_problem_within(self.file, &join(&self.path, key))
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            Value::Text(text) => Some(&text.text),
            _ => self.wrong_type("text"),
        }
    }

    /// Whether the value is this word; it may also have another type.
    pub(super) fn is_text(&self, word: &str) -> bool {
        matches!(self.value, Value::Text(text) if *text.text == word)
    }

    /// Parses the text into a type.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        self.check(self.text()?.parse())
    }

    /// The value of a successful check; otherwise the reason is reported.
    pub(super) fn check<T>(&self, checked: Result<T, impl Display>) -> Option<T> {
        checked.map_err(|reason| self.report(reason.to_string())).ok()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match (self.value, self.expanded()) {
            (Value::Boolean(value), _) => Some(*value),
            (_, Some("true")) => Some(true),
            (_, Some("false")) => Some(false),
            _ => self.wrong_type("true or false"),
        }
    }

    pub(super) fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let value = match self.value {
            Value::Integer(value) => Some(*value),
            _ => self.expanded().and_then(|text| text.parse().ok()),
        };
        let Some(value) = value else { return self.wrong_type("a whole number") };
        let value = u64::try_from(value).ok().filter(|value| range.contains(value));
        value.or_else(|| self.out_of_range(range.start(), range.end()))
    }

    /// A number of some unit, with or without a fraction.
    pub(super) fn duration(&self, unit: Duration, range: RangeInclusive<f64>) -> Option<Duration> {
        self.number(range).map(|value| unit.mul_f64(value))
    }

    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let value = match self.value {
            Value::Integer(value) => Some(*value as f64),
            Value::Number(value) => Some(*value),
            _ => self.expanded().and_then(|text| text.parse().ok()),
        };
        let Some(value) = value else { return self.wrong_type("a number") };
        if range.contains(&value) { Some(value) } else { self.out_of_range(range.start(), range.end()) }
    }

    /// A secret, given as it is or as the content of `file:/path`.
    pub(super) fn secret(&self) -> Option<Secret> {
        let text = self.text()?;
        let secret = match text.strip_prefix("file:") {
            None => text.to_owned(),
            Some(path) if path.starts_with('/') => {
                let read = self.context.read(Path::new(path));
                let content = self.check(read.map_err(|error| format!("cannot read {path}: {error}")))?;
                // Editors and `echo` end a line with a break that is no part of a password; a key has several lines
                // and needs its last break.
                let line = content.strip_suffix('\n').unwrap_or(&content);
                if line.contains('\n') { content.to_string() } else { line.trim_end_matches('\r').to_owned() }
            }
            Some(_) => {
                self.report("a secret from a file must be written `file:/path`, with an absolute path");
                return None;
            }
        };
        if secret.is_empty() {
            self.report("a secret must not be empty");
            return None;
        }
        Some(Secret::new(secret))
    }

    pub(super) fn list(&self) -> Option<Vec<Setting<'a>>> {
        let Value::List(items) = self.value else { return self.wrong_type("a list") };
        let item = |(index, item): (usize, &'a yaml::Yaml)| Setting {
            place: yaml::place(item.referenced),
            path: format!("{}[{index}]", self.path),
            value: &item.value,
            ..*self
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn is_empty_list(&self) -> bool {
        matches!(self.value, Value::List(items) if items.is_empty())
    }

    /// All items that can be read; the others are reported.
    pub(super) fn list_of<T>(&self, read: impl FnMut(Setting<'a>) -> Option<T>) -> Option<Vec<T>> {
        Some(self.list()?.into_iter().filter_map(read).collect())
    }

    /// The entries of a mapping whose keys are names that the operator gives.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Setting<'a>)>> {
        let Value::Mapping(entries) = self.value else { return self.wrong_type("a mapping") };
        let entry = |(key, value): &'a (serde_saphyr::Spanned<yaml::Key>, yaml::Yaml)| {
            let name = key.value.0.as_str();
            let place = yaml::place(key.referenced);
            (name, Setting { place, path: join(&self.path, name), value: &value.value, ..*self })
        };
        Some(entries.iter().map(entry).collect())
    }

    /// The keys of a mapping. `None` if it is no mapping, which this does not report.
    pub(super) fn keys(&self) -> Option<BTreeSet<String>> {
        let Value::Mapping(entries) = self.value else { return None };
        Some(entries.iter().map(|(key, _)| key.value.0.clone()).collect())
    }

    /// The entries of a mapping whose keys are parsed into a type. An entry whose key cannot be parsed has no name, but
    /// its value can still be checked.
    pub(super) fn named<N: FromStr<Err: Display>>(&self) -> Option<Vec<(Option<N>, Setting<'a>)>> {
        let named = |(name, setting): (&str, Setting<'a>)| (setting.check(name.parse()), setting);
        Some(self.entries()?.into_iter().map(named).collect())
    }

    /// The value as JSON. Text that came from variables and was not quoted gets the type that it looks like.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        match self.value {
            Value::Null => Some(serde_json::Value::Null),
            Value::Boolean(value) => Some((*value).into()),
            Value::Integer(value) => Some(serde_json::Number::from_i128(*value)?.into()),
            Value::Number(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => Some(number.into()),
                None => self.wrong_type("a finite number"),
            },
            Value::Text(Text { text, origin: Origin::Expanded { is_quoted: false } }) => Some(scalar(text)),
            Value::Text(text) => Some(text.text.as_str().into()),
            Value::List(_) => Some(self.list_of(|item| item.json())?.into()),
            Value::Mapping(_) => {
                let object: serde_json::Map<String, serde_json::Value> = self
                    .entries()?
                    .into_iter()
                    .filter_map(|(key, value)| Some((key.to_owned(), value.json()?)))
                    .collect();
                Some(object.into())
            }
            Value::Unusable => None,
        }
    }

    /// A mapping as the text of a JSON object.
    pub(super) fn json_object(&self) -> Option<String> {
        self.entries()?;
        Some(self.json()?.to_string())
    }

    fn expanded(&self) -> Option<&'a str> {
        match self.value {
            Value::Text(Text { text, origin: Origin::Expanded { .. } }) => Some(text.trim()),
            _ => None,
        }
    }

    fn out_of_range<T>(&self, least: impl Display, most: impl Display) -> Option<T> {
        self.report(format!("must be from {least} to {most}"));
        None
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = match self.value {
            Value::Unusable => return None,
            Value::Null => "nothing (leave the key out for its default)",
            Value::Boolean(_) if expected == "text" => "a boolean (put it in quotes)",
            Value::Integer(_) | Value::Number(_) if expected == "text" => "a number (put it in quotes)",
            Value::Boolean(_) => "a boolean",
            Value::Integer(_) | Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        };
        self.report(format!("must be {expected}, but is {found}"));
        None
    }
}

/// The path of a key within the path of its mapping.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Gives plain text the type that it has in YAML, except for null and other spellings of numbers.
fn scalar(text: &str) -> serde_json::Value {
    let is_json_number = || text.parse::<serde_json::Number>().ok().map(Into::into);
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ => is_json_number().unwrap_or_else(|| text.into()),
    }
}
