//! The problems of a configuration, all of them at once, each with its position.

use std::{
    fmt::{self, Write},
    path::PathBuf,
};

/// A position in a file of the configuration. Lines and columns count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u64,
    pub column: u64,
}

/// One problem. It repeats no value that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name within the folder.
    pub file: String,
    /// The position; `None` if the whole file is meant.
    pub place: Option<Position>,
    /// The path of the key, such as `nessus[0].url`; empty if no key is meant.
    pub key: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{}", place.line)?;
        }
        if !self.key.is_empty() {
            f.write_str(": ")?;
            write_line(f, &self.key)?;
        }
        f.write_str(": ")?;
        write_line(f, &self.message)
    }
}

/// All the problems of a configuration that cannot be used.
#[derive(Clone, Debug)]
pub struct Problems {
    /// Sorted by file and position; never empty.
    problems: Vec<Problem>,
    sources: Vec<PathBuf>,
}

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>, sources: Vec<PathBuf>) -> Self {
        problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
        Self { problems, sources }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// The files that were read or looked for; a change of one of them may solve the problems.
    pub fn sources(&self) -> &[PathBuf] {
        &self.sources
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A problem is one line, whatever a key or a library's message contains.
fn write_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_default()) } else { f.write_char(c) })
}
