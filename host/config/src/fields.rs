//! A mapping whose keys we define. Keys that were asked for are known, and the others are problems.

use scanhost_domain::nearest::nearest;

use super::{
    problem::Position,
    setting::{Setting, join},
};

pub(super) struct Fields<'a> {
    setting: Setting<'a>,
    /// `None` if the setting is no mapping, which was reported.
    entries: Option<Vec<(&'a str, Setting<'a>)>>,
    known_keys: Vec<String>,
    /// Required keys that were reported as missing.
    missing_keys: Vec<String>,
}

impl<'a> Setting<'a> {
    pub(super) fn fields(&self) -> Fields<'a> {
        Fields { setting: self.clone(), entries: self.entries(), known_keys: Vec::new(), missing_keys: Vec::new() }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&mut self, key: &str) -> Option<Setting<'a>> {
        self.known_keys.push(key.to_owned());
        let entries = self.entries.as_ref()?;
        entries.iter().find(|(name, _)| *name == key).map(|(_, setting)| setting.clone())
    }

    /// The position of the key, if it is given.
    pub(super) fn place(&self, key: &str) -> Option<Position> {
        self.entries.as_ref()?.iter().find(|(name, _)| *name == key)?.1.place
    }

    pub(super) fn required(&mut self, key: &str) -> Option<Setting<'a>> {
        self.required_as(key, "is required")
    }

    /// A required setting, with the message to report if it is missing.
    pub(super) fn required_as(&mut self, key: &str, message: &str) -> Option<Setting<'a>> {
        let found = self.get(key);
        if found.is_none() && self.entries.is_some() {
            let setting = Setting { path: join(&self.setting.path, key), ..self.setting.clone() };
            setting.report(message);
            self.missing_keys.push(key.to_owned());
        }
        found
    }

    /// The setting as `read` reads it, else the default. After a problem the default is only a stand-in.
    pub(super) fn or<T>(&mut self, key: &str, default: T, read: impl FnOnce(Setting<'a>) -> Option<T>) -> T {
        self.get(key).and_then(read).unwrap_or(default)
    }

    /// A mapping in this mapping; empty if it is not given.
    pub(super) fn section(&mut self, key: &str) -> Fields<'a> {
        match self.get(key) {
            Some(setting) => setting.fields(),
            None => {
                let setting = Setting { path: join(&self.setting.path, key), ..self.setting.clone() };
                Fields { setting, entries: Some(Vec::new()), known_keys: Vec::new(), missing_keys: Vec::new() }
            }
        }
    }

    /// Reports something about the mapping as a whole.
    pub(super) fn report(&self, message: impl Into<String>) {
        self.setting.report(message);
    }

    /// Whether a problem was reported about this key, or about something within its value.
    pub(super) fn has_problem_in(&self, key: &str) -> bool {
        self.setting.has_problem_in(key)
    }

    /// The entries whose keys nobody asked for.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &(&'a str, Setting<'a>)> {
        self.entries.iter().flatten().filter(move |(name, _)| !self.known_keys.iter().any(|key| key == name))
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        for (name, setting) in self.unknown() {
            let nearest = nearest(name, self.known_keys.iter().map(String::as_str));
            if let Some(known) = nearest.filter(|known| self.missing_keys.iter().any(|missing| missing == known)) {
                // The required key is there, but misspelt.
                self.setting.context.retract(self.setting.file, &join(&self.setting.path, known));
            }
            setting.report(match nearest {
                Some(known) => format!("unknown key; did you mean `{known}`?"),
                None => format!("unknown key; known here: {}", self.known_keys.join(", ")),
            });
        }
    }
}
