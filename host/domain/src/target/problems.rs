//! Reports all problems of an input at once, in a message of bounded length.

use std::fmt;

/// Problems that are kept: more than a person reads, and a few kilobytes at most.
const KEPT: usize = 50;
const QUOTED_CHARACTERS: usize = 64;

/// What is wrong with an input. If there are very many problems, the first are kept and the others counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems<T> {
    first: Vec<T>,
    omitted: usize,
}

impl<T> Default for Problems<T> {
    fn default() -> Self {
        Self { first: Vec::new(), omitted: 0 }
    }
}

impl<T> Problems<T> {
    pub(crate) fn push(&mut self, problem: T) {
        if self.first.len() < KEPT {
            self.first.push(problem);
        } else {
            self.omitted += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter()
    }
}

impl<T: fmt::Display> fmt::Display for Problems<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.first.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        if self.omitted > 0 {
            write!(f, "; and {} more", self.omitted)?;
        }
        Ok(())
    }
}

/// A piece of input made safe for a message: cut if it is long, with control characters escaped, and in quotes.
#[derive(Clone, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    pub(crate) fn new(text: &str) -> Self {
        let mut characters = text.chars();
        let beginning: String = characters.by_ref().take(QUOTED_CHARACTERS).collect();
        let ellipsis = if characters.next().is_some() { "…" } else { "" };
        Self(format!("{beginning:?}{ellipsis}"))
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
