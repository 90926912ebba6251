//! The rules of this repository that a machine can check: who may depend on whom, and what every file looks like.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use scanhost_it::guests;
use serde_json::Value;

/// Which crates of this workspace a crate may depend on, for whatever purpose. A crate that is missing here is refused.
const CRATES: [(&str, &[&str]); 22] = [
    ("scanhost-domain", &[]),
    ("scanhost-sandbox", &["scanhost-domain"]),
    ("scanhost-system", &["scanhost-domain"]),
    ("scanhost-config", &["scanhost-domain", "scanhost-sandbox", "scanhost-system"]),
    ("scanhost-store", &["scanhost-domain", "scanhost-sandbox", "scanhost-system"]),
    ("scanhost-results", &["scanhost-domain", "scanhost-sandbox", "scanhost-system"]),
    ("scanhost-outbound", &["scanhost-domain", "scanhost-sandbox", "scanhost-system", "scanhost-config"]),
    ("scanhost-conformance", &["scanhost-domain", "scanhost-sandbox", "scanhost-results", "scanhost-outbound"]),
    (
        "scanhost-app",
        &[
            "scanhost-domain",
            "scanhost-sandbox",
            "scanhost-system",
            "scanhost-config",
            "scanhost-store",
            "scanhost-results",
            "scanhost-outbound",
            "scanhost-plugin-build",
        ],
    ),
    (
        "scanhost",
        &[
            "scanhost-domain",
            "scanhost-sandbox",
            "scanhost-system",
            "scanhost-config",
            "scanhost-store",
            "scanhost-results",
            "scanhost-outbound",
            "scanhost-conformance",
            "scanhost-app",
        ],
    ),
    ("scanhost-plugin-build", &[]),
    ("scanhost-sdk", &[]),
    ("mock", &["scanhost-sdk"]),
    ("nessus", &["scanhost-sdk"]),
    ("nmap", &["scanhost-sdk"]),
    ("profile", &["scanhost-sdk"]),
    ("triage", &["scanhost-sdk"]),
    ("guests", &["scanhost-sdk"]),
    ("fake-nessus", &[]),
    ("scanhost-bench", &["scanhost-domain", "scanhost-sandbox", "scanhost-it", "fake-nessus"]),
    ("scanhost-fuzz-checks", &["scanhost-domain", "scanhost-results", "scanhost-sdk", "nessus"]),
    (
        "scanhost-it",
        &["scanhost-domain", "scanhost-sandbox", "scanhost-plugin-build", "scanhost-fuzz-checks", "fake-nessus"],
    ),
];

/// Heavy or fast-moving crates, and the only crate of the host that may depend on each.
const CONFINED: [(&str, &str); 14] = [
    ("wasmtime", "scanhost-sandbox"),
    ("wasmtime-wasi", "scanhost-sandbox"),
    ("redb", "scanhost-store"),
    ("redis", "scanhost-store"),
    ("parquet", "scanhost-results"),
    ("reqwest", "scanhost-outbound"),
    ("nix", "scanhost-outbound"),
    ("axum", "scanhost"),
    ("hyper", "scanhost"),
    ("hyper-util", "scanhost"),
    ("maud", "scanhost"),
    ("rmcp", "scanhost"),
    ("clap", "scanhost"),
    ("clap_complete", "scanhost"),
];

/// What the domain has no use for: it does no I/O, waits for nothing and knows no format.
const NOT_IN_DOMAIN: [&str; 6] = ["tokio", "serde", "serde_json", "wasmtime", "reqwest", "tracing"];

/// Longer files hold more than one idea, except where they are one table.
const MAX_LINES: usize = 400;
const LONGER: [&str; 1] = ["plugins/mock/src/catalogue/checks.rs"];

/// Not of this repository, or not written by hand.
const NO_SOURCES: [&str; 5] = [".git", "target", "data", "node_modules", "__pycache__"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A dependency of a crate of this workspace, for whatever purpose.
struct Dependency {
    package: String,
    name: String,
    /// Whether the package is a crate of the host, and not a plugin or a test.
    is_of_host: bool,
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.package, self.name)
    }
}

fn dependencies() -> Vec<Dependency> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let name = |named: &Value| named["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let known = |package: &str| CRATES.iter().any(|(known, _)| *known == package);
    let dependencies = packages.flat_map(|package| {
        let package_name = name(package);
        assert!(known(&package_name), "say in CRATES what {package_name} may depend on");
        let is_of_host = package["manifest_path"].as_str().unwrap().contains("/host/");
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        dependencies.map(move |dependency| Dependency {
            package: package_name.clone(),
            name: name(dependency),
            is_of_host,
        })
    });
    dependencies.collect()
}

/// Every file of the repository that is text: its path from the root, and what is in it.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_source = path.file_name().and_then(OsStr::to_str).is_some_and(|name| !NO_SOURCES.contains(&name));
            if is_source && path.is_dir() {
                walk(&path, found);
            } else if is_source {
                found.push(path);
            }
        }
    }
    let root = workspace();
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        Some((name, fs::read_to_string(path).ok()?))
    };
    found.into_iter().filter_map(read).collect()
}

fn rust_sources() -> impl Iterator<Item = (String, String)> {
    sources().into_iter().filter(|(path, _)| path.ends_with(".rs"))
}

fn check_none(rule: &str, breaches: impl IntoIterator<Item = String>) {
    let breaches: Vec<String> = breaches.into_iter().collect();
    assert!(breaches.is_empty(), "{rule}:\n{}", breaches.join("\n"));
}

#[test]
fn crates_depend_in_one_direction() {
    let is_ours = |name: &str| CRATES.iter().any(|(ours, _)| *ours == name);
    let may = |package: &str, name: &str| {
        CRATES.iter().any(|(allowed_package, allowed)| *allowed_package == package && allowed.contains(&name))
    };
    let ours = dependencies().into_iter().filter(|dependency| is_ours(&dependency.name));
    let wrong = ours.filter(|dependency| !may(&dependency.package, &dependency.name));
    check_none("wrong direction", wrong.map(|dependency| dependency.to_string()));
}

#[test]
fn heavy_crates_have_one_user_in_the_host() {
    let is_breach = |dependency: &Dependency| {
        let (package, name) = (dependency.package.as_str(), dependency.name.as_str());
        let is_confined = CONFINED.iter().any(|(confined, user)| *confined == name && *user != package);
        dependency.is_of_host && is_confined || package == "scanhost-domain" && NOT_IN_DOMAIN.contains(&name)
    };
    let wrong = dependencies().into_iter().filter(is_breach);
    check_none("not for this crate", wrong.map(|dependency| dependency.to_string()));
}

#[test]
fn every_module_of_the_host_says_what_it_is() {
    let silent = rust_sources()
        .filter(|(path, text)| path.starts_with("host/") && !path.ends_with("/tests.rs") && !text.starts_with("//!"));
    check_none("does not begin with `//!`", silent.map(|(path, _)| path));
}

#[test]
fn files_are_short() {
    let is_test = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    let long = rust_sources()
        .filter(|(path, text)| text.lines().count() > MAX_LINES && !is_test(path) && !LONGER.contains(&path.as_str()));
    check_none("longer than 400 lines", long.map(|(path, text)| format!("{path}: {}", text.lines().count())));
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let folders = ["home", "root", "Users", "work"].map(|folder| format!("/{folder}/"));
    let lines = sources().into_iter().filter(|(path, _)| !path.contains("/fixtures/")).flat_map(|(path, text)| {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned())).collect::<Vec<_>>();
        lines.into_iter().map(move |(number, line)| (path.clone(), number, line))
    });
    let named = lines.filter(|(_, _, line)| folders.iter().any(|folder| line.contains(folder.as_str())));
    check_none("names a folder of one machine", named.map(|(path, number, line)| format!("{path}:{number}: {line}")));
}

#[test]
fn every_guest_is_there_for_the_tests() {
    let examples = fs::read_dir(workspace().join("tests/guests/examples")).unwrap();
    let mut examples: Vec<String> =
        examples.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    examples.sort();
    let mut known: Vec<&str> = guests::MISBEHAVING.iter().chain(&guests::BEHAVING).map(|(name, _)| *name).collect();
    known.sort();
    assert_eq!(examples, known);
}
