//! What all readers of one load share: the sources of text, and the list of problems.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    problem::{Position, Problem},
    variable::Environment,
};

/// The largest file, far more than a configuration, a key or a bundle of certificates needs.
const MAX_FILE_BYTES: u64 = 4 << 20;

pub(super) struct Context<'a> {
    pub(super) environment: &'a Environment<'a>,
    folder: Option<&'a Path>,
    problems: RefCell<Vec<Problem>>,
    /// Settings that work, but hardly as intended.
    warnings: RefCell<Vec<Problem>>,
    sources: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(folder: Option<&'a Path>, environment: &'a Environment<'a>) -> Self {
        Self {
            environment,
            folder,
            problems: RefCell::default(),
            warnings: RefCell::default(),
            sources: RefCell::default(),
        }
    }

    pub(super) fn report(&self, file: &str, place: Option<Position>, key: &str, message: String) {
        let problem = Problem { file: file.to_owned(), place, key: key.to_owned(), message };
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn warn(&self, file: &str, place: Option<Position>, key: &str, message: String) {
        let warning = Problem { file: file.to_owned(), place, key: key.to_owned(), message };
        self.warnings.borrow_mut().push(warning);
    }

    /// Takes back what was reported about this key, since another problem turned out to be its cause.
    pub(super) fn retract(&self, file: &str, key: &str) {
        self.problems.borrow_mut().retain(|problem| problem.file != file || problem.key != key);
    }

    /// Whether a problem was reported about this key itself. The empty key is the file as a whole.
    pub(super) fn has_problem_at(&self, file: &str, key: &str) -> bool {
        self.problems.borrow().iter().any(|problem| problem.file == file && problem.key == key)
    }

    /// Whether a problem was reported about this key, or about something within its value.
    pub(super) fn has_problem_within(&self, file: &str, key: &str) -> bool {
        let is_within = |problem: &Problem| {
            let rest = problem.key.strip_prefix(key);
            problem.file == file && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.problems.borrow().iter().any(is_within)
    }

    /// Resolves a path of the configuration. A relative one begins in the folder of the configuration.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.unwrap_or(Path::new("")).join(path)
    }

    /// The text of a file, which becomes one of the sources.
    pub(super) fn read(&self, path: &Path) -> io::Result<Zeroizing<String>> {
        self.sources.borrow_mut().insert(path.to_owned());
        let mut text = Zeroizing::new(String::new());
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(io::Error::other(format!("it is larger than {MAX_FILE_BYTES} bytes")));
        }
        Ok(text)
    }

    /// The problems, the warnings and the sources.
    pub(super) fn into_parts(self) -> (Vec<Problem>, Vec<Problem>, Vec<PathBuf>) {
        let sources = self.sources.into_inner().into_iter().collect();
        (self.problems.into_inner(), self.warnings.into_inner(), sources)
    }
}
