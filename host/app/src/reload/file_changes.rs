//! The state of each watched file at the last check, and the comparison with its state now.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use scanhost_sandbox::Digest;

/// How thoroughly the files are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// A file is read only if its size, its times or its identity have changed.
    Metadata,
    /// Every file is read.
    Content,
}

#[derive(Default)]
pub struct FileStates(BTreeMap<PathBuf, FileState>);

#[derive(PartialEq, Eq)]
struct FileState {
    metadata: Option<Metadata>,
    /// The digest of the content. A file that cannot be read has none.
    content: Option<Digest>,
}

/// Device, inode, size, modification time and change time. The times are in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Metadata(u64, u64, u64, i128, i128);

impl FileStates {
    /// Checks these files and forgets all others. Returns whether the content of one has changed since the last check;
    /// a file that is checked for the first time has not changed.
    pub fn update(&mut self, files: &BTreeSet<PathBuf>, depth: Depth) -> bool {
        let before = std::mem::take(&mut self.0);
        let mut has_changed = false;
        for file in files {
            let (metadata, known) = (metadata(file), before.get(file));
            let content = match known {
                Some(known) if depth == Depth::Metadata && known.metadata == metadata => known.content,
                _ => content(file).ok(),
            };
            has_changed |= known.is_some_and(|known| known.content != content);
            self.0.insert(file.clone(), FileState { metadata, content });
        }
        has_changed
    }

    /// Stores the present state of a file, so that the next check finds it unchanged.
    pub fn accept(&mut self, file: &Path) {
        self.0.insert(file.to_owned(), FileState { metadata: metadata(file), content: content(file).ok() });
    }
}

fn metadata(file: &Path) -> Option<Metadata> {
    let found = fs::metadata(file).ok()?;
    let time = |seconds: i64, nanoseconds: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    let (modified, changed) = (time(found.mtime(), found.mtime_nsec()), time(found.ctime(), found.ctime_nsec()));
    Some(Metadata(found.dev(), found.ino(), found.size(), modified, changed))
}

fn content(file: &Path) -> io::Result<Digest> {
    /// This is more than any file may have: a longer one is refused when it is loaded, whatever its content is.
    const MAX_READ: u64 = (64 << 20) + 1;
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_READ).read_to_end(&mut bytes)?;
    Ok(Digest::of(&bytes))
}
