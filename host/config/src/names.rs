//! The names of entries under a key, whether or not the entries themselves can be read. With them, an entry that cannot be
//! read is not also reported as one that does not exist.

use std::collections::BTreeSet;

use super::setting::Setting;

#[derive(Clone, Debug)]
pub(super) enum Names {
    Known(BTreeSet<String>),
    /// The key or its file cannot be read, so that it may have any name.
    Unknown,
}

impl Names {
    /// The names under an optional key of a file. `is_read` is whether the file itself could be read.
    pub(super) fn of(setting: Option<&Setting<'_>>, is_read: bool) -> Self {
        match setting {
            Some(setting) => setting.keys().map_or(Self::Unknown, Self::Known),
            None if is_read => Self::Known(BTreeSet::new()),
            None => Self::Unknown,
        }
    }

    pub(super) fn may_have(&self, name: &str) -> bool {
        match self {
            Self::Known(names) => names.contains(name),
            Self::Unknown => true,
        }
    }

    /// The names that are known.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::Known(names) => Some(names),
            Self::Unknown => None,
        };
        names.into_iter().flatten().map(String::as_str)
    }
}
