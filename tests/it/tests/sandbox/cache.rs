//! The cache of compiled components on disk: it saves time, and never changes a result.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use scanhost_it::guests::PROFILE;
use scanhost_sandbox::{Profile, Sandbox};

use crate::test_sandbox::LIMITS;

/// Starts a new sandbox with this cache, loads the profile and calls it.
async fn check_loads(cache: Option<&Path>) {
    let sandbox = Sandbox::start(cache.map(Path::to_owned)).unwrap();
    let profile = Profile::load(sandbox, PROFILE, LIMITS).unwrap();
    profile.describe("{}").await.unwrap().unwrap();
}

/// Replaces the content of every file below the folder, and returns the number of files.
fn overwrite(folder: &Path, content: impl Fn(Vec<u8>) -> Vec<u8> + Copy) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let overwritten = entries.map(|path| {
        if path.is_dir() {
            return overwrite(&path, content);
        }
        fs::write(&path, content(fs::read(&path).unwrap())).unwrap();
        1
    });
    overwritten.sum()
}

#[tokio::test]
async fn cache_is_optional() {
    check_loads(None).await;
}

#[tokio::test]
async fn second_start_loads_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    check_loads(Some(folder.path())).await;
    check_loads(Some(folder.path())).await;
}

#[tokio::test]
async fn cache_folder_may_be_a_relative_path() {
    let folder = tempfile::tempdir().unwrap();
    let to_root: PathBuf = env::current_dir().unwrap().iter().skip(1).map(|_| "..").collect();
    check_loads(Some(&to_root.join(folder.path().strip_prefix("/").unwrap()))).await;
    assert!(fs::read_dir(folder.path()).unwrap().next().is_some());
}

#[tokio::test]
async fn damaged_cache_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let damages: [fn(Vec<u8>) -> Vec<u8>; 3] =
        [|_| Vec::new(), |_| b"not compiled code".to_vec(), |whole| whole[..whole.len() / 2].to_vec()];
    check_loads(Some(folder.path())).await;
    for damage in damages {
        assert!(overwrite(folder.path(), damage) > 0);
        check_loads(Some(folder.path())).await;
    }
}

#[test]
fn unusable_cache_folder_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Sandbox::start(Some(file.path().to_owned())).err().unwrap().to_string();
    assert!(error.starts_with("cannot start the plugin engine"), "{error}");
}
