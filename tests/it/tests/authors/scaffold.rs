//! `plugin new`: the scaffolded plugin builds, and passes the conformance kit without a change. The script
//! `tests/languages` builds the languages other than Rust, which takes minutes and needs a network.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use scanhost_it::{output::Output, program::workspace, server::Home};
use serde_json::Value;

fn scaffold(home: &Home, name: &str, kind: &str, language: &str) -> Output {
    Output::run(home.command(&["plugin", "new", name, "--kind", kind, "--lang", language]))
}

/// Builds the Rust plugin of this name offline, with the crates of this workspace, and returns the path of its
/// component.
fn build(home: &Home, name: &str) -> PathBuf {
    let folder = home.path().join(name);
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a file can be copied");
    let target = env::current_exe().expect("a test has a path");
    // A test runs from `<target>/<profile>/deps`.
    let target = target.ancestors().nth(3).expect("a test lies in the target folder").join("example-plugin");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(["build", "--target", "wasm32-wasip2", "--release", "--quiet", "--offline"]);
    cargo.arg("--target-dir").arg(&target);
    let output = cargo.output().expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("wasm32-wasip2/release").join(format!("{}.wasm", name.replace('-', "_")))
}

/// Runs the conformance kit on the component, which has to pass, and returns its report.
fn run_kit(home: &Home, component: &Path, script: Option<&Path>) -> Value {
    let mut test = home.command(&["plugin", "test", "--json"]);
    test.arg(component);
    if let Some(script) = script {
        test.arg("--script").arg(script);
    }
    let output = Output::run(test);
    assert_eq!(output.code, Some(0), "{output:?}");
    serde_json::from_str(&output.stdout).expect("it prints JSON")
}

#[test]
fn scaffolded_rust_plugin_builds_and_passes_the_kit() {
    let home = Home::new(&[]);
    for (name, kind, min_passed) in [("new-backend", "backend", 55), ("new-profile", "profile", 16)] {
        let output = scaffold(&home, name, kind, "rust");
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.contains("cargo build --target wasm32-wasip2 --release"), "{}", output.stdout);
        let component = build(&home, name);
        let script = Some(home.path().join(name).join("script.yaml")).filter(|script| script.is_file());
        let answer = run_kit(&home, &component, script.as_deref());
        assert!(answer["passed"].as_u64().is_some_and(|passed| passed >= min_passed), "{answer:#}");
    }
}

#[test]
fn every_language_has_a_template_for_every_kind() {
    let home = Home::new(&[]);
    for language in ["rust", "python", "js"] {
        for kind in ["backend", "profile"] {
            let name = format!("a-{language}-{kind}");
            let output = scaffold(&home, &name, kind, language);
            assert_eq!(output.code, Some(0), "{output:?}");
            let folder = home.path().join(&name);
            let world = fs::read_to_string(folder.join(format!("wit/{kind}.wit"))).expect("the scaffold has the world");
            assert_eq!(
                world,
                fs::read_to_string(workspace().join(format!("wit/{kind}.wit")))
                    .expect("the file is in this repository")
            );
            assert_eq!(folder.join("script.yaml").is_file(), kind == "backend");
            check_filled_in(&folder);
        }
    }
}

/// Checks that no placeholder of the template is left in a file of this folder.
fn check_filled_in(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            check_filled_in(&path);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a template is text");
        for placeholder in ["@NAME@", "@KIND@", "@VERSION@", "@DEPENDENCIES@"] {
            assert!(!text.contains(placeholder), "{} has {placeholder}", path.display());
        }
    }
}

#[test]
fn invalid_name_is_refused() {
    let home = Home::new(&[]);
    for name in ["", "Feed", "9feed", "-feed", "feed-", "feed--er", "fe ed", "../feed", "/tmp/feed", "nessus", "std"] {
        let output = Output::run(home.command(&["plugin", "new", "--kind", "backend", "--lang", "rust", "--", name]));
        assert_eq!(output.code, Some(1), "{name:?}: {output:?}");
        assert!(output.stderr.contains("name"), "{}", output.stderr);
    }
    let long = scaffold(&home, &"a".repeat(41), "backend", "rust");
    assert!(long.stderr.contains("40"), "{}", long.stderr);
}

#[test]
fn existing_folder_is_not_overwritten() {
    let home = Home::new(&[]);
    let folder = home.path().join("feed");
    fs::create_dir(&folder).expect("a folder can be made");
    let output = scaffold(&home, "feed", "backend", "js");
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("feed already exists"), "{}", output.stderr);
    assert_eq!(fs::read_dir(&folder).expect("it is still there").count(), 0);
}
