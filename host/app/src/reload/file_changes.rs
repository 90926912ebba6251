//! What the files looked like the last time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use scanhost_sandbox::Digest;

/// How closely files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Only those are read whose size, time or identity differ.
    Stat,
    /// All are read.
    Content,
}

#[derive(Default)]
pub struct Seen(BTreeMap<PathBuf, Look>);

#[derive(PartialEq, Eq)]
struct Look {
    stat: Option<Stat>,
    /// None for a file that cannot be read.
    content: Option<Digest>,
}

/// Device, inode, size, and the times of content and of the inode in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stat(u64, u64, u64, i128, i128);

impl Seen {
    /// Looks at these files and forgets all others. Whether one has another content than the last time; a file of which
    /// there was no last time has not.
    pub fn look(&mut self, files: &BTreeSet<PathBuf>, care: Care) -> bool {
        let before = std::mem::take(&mut self.0);
        let mut has_changed = false;
        for file in files {
            let (stat, known) = (stat(file), before.get(file));
            let content = match known {
                Some(known) if care == Care::Stat && known.stat == stat => known.content,
                _ => content(file).ok(),
            };
            has_changed |= known.is_some_and(|known| known.content != content);
            self.0.insert(file.clone(), Look { stat, content });
        }
        has_changed
    }

    /// Takes a file as it is now for what it was the last time.
    pub fn accept(&mut self, file: &Path) {
        self.0.insert(file.to_owned(), Look { stat: stat(file), content: content(file).ok() });
    }
}

fn stat(file: &Path) -> Option<Stat> {
    let found = fs::metadata(file).ok()?;
    let time = |seconds: i64, nanoseconds: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    let (modified, changed) = (time(found.mtime(), found.mtime_nsec()), time(found.ctime(), found.ctime_nsec()));
    Some(Stat(found.dev(), found.ino(), found.size(), modified, changed))
}

fn content(file: &Path) -> io::Result<Digest> {
    /// More than is read of any file. Longer ones are refused when they are loaded, whatever is in them.
    const MOST: u64 = (64 << 20) + 1;
    let mut bytes = Vec::new();
    File::open(file)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(Digest::of(&bytes))
}
