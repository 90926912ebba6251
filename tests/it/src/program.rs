//! The binary under test, built once for all tests of a run.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The path of a binary of this workspace, built in the profile of the running test.
pub fn binary(package: &str, name: &str) -> PathBuf {
    built(package, name, &[])
}

fn built(package: &str, name: &str, features: &[&str]) -> PathBuf {
    let folder = profile_folder();
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", package, "--bin", name]);
    if !features.is_empty() {
        build.args(["--features", &features.join(",")]);
    }
    build.arg("--manifest-path").arg(workspace().join("Cargo.toml"));
    build.arg("--target-dir").arg(folder.parent().expect("a profile's folder lies in the target folder"));
    if folder.ends_with("release") {
        build.arg("--release");
    }
    // What cargo tells a test about its own package is not meant for another build.
    build.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    assert!(build.status().expect("cargo can be started").success(), "{package} does not compile");
    folder.join(name)
}

/// The host's binary, or the one that `SCANHOST_BINARY` names.
pub fn scanhost() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("SCANHOST_BINARY") {
        Some(named) => named.into(),
        None => binary("scanhost", "scanhost"),
    })
}

/// The host's binary with what the protocol's conformance suite looks for. It is kept aside, and the usual one put back
/// in its place, which costs nothing.
pub fn conformance_scanhost() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let kept = profile_folder().join("scanhost-conformance");
        std::fs::copy(built("scanhost", "scanhost", &["conformance"]), &kept).expect("a binary can be copied");
        built("scanhost", "scanhost", &[]);
        kept
    })
}

/// The root of this workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("this crate lies in its workspace")
}

/// Where the servers of all tests keep compiled plugins.
pub fn compiled_plugins() -> PathBuf {
    let folder = profile_folder().join("compiled-plugins");
    std::fs::create_dir_all(&folder).expect("a folder can be made in the target folder");
    folder
}

/// `<target>/<profile>`: a test runs from `<target>/<profile>/deps`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    test.ancestors().nth(2).expect("a test lies in the target folder").to_owned()
}
