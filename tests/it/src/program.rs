//! The binaries under test, each of which is built once per test process, and the folders of this workspace.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Builds a binary of this workspace in the profile of the running test, and returns its path.
pub fn binary(package: &str, name: &str) -> PathBuf {
    build(package, name, &[])
}

fn build(package: &str, name: &str, features: &[&str]) -> PathBuf {
    let folder = profile_folder();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--package", package, "--bin", name]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    command.arg("--manifest-path").arg(workspace().join("Cargo.toml"));
    command.arg("--target-dir").arg(folder.parent().expect("a profile's folder lies in the target folder"));
    if folder.ends_with("release") {
        command.arg("--release");
    }
    // Cargo sets these for the package of the test, and they would confuse the build of another package.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    assert!(command.status().expect("cargo can be started").success(), "{package} does not compile");
    folder.join(name)
}

/// The path of the host's binary, or of the one that `SCANHOST_BINARY` names.
pub fn scanhost() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("SCANHOST_BINARY") {
        Some(named) => named.into(),
        None => binary("scanhost", "scanhost"),
    })
}

/// The path of the host's binary with the feature `conformance`, whose fixtures the protocol's conformance suite needs.
///
/// Cargo puts both variants at the same path: so this one is copied elsewhere, and the usual one, which cargo still has
/// in its cache, is put back.
pub fn conformance_scanhost() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let copy = profile_folder().join("scanhost-conformance");
        std::fs::copy(build("scanhost", "scanhost", &["conformance"]), &copy).expect("a binary can be copied");
        build("scanhost", "scanhost", &[]);
        copy
    })
}

/// The root of this workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("this crate lies in its workspace")
}

/// The cache of compiled plugins that the servers of all tests share.
pub fn compiled_plugins() -> PathBuf {
    let folder = profile_folder().join("compiled-plugins");
    std::fs::create_dir_all(&folder).expect("a folder can be made in the target folder");
    folder
}

/// The folder `<target>/<profile>`. A test runs from `<target>/<profile>/deps`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    test.ancestors().nth(2).expect("a test lies in the target folder").to_owned()
}
