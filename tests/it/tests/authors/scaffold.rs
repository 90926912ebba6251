//! `plugin new`: what it makes builds and passes the conformance kit as it is. The languages other than Rust are built
//! by `tests/languages`, which takes minutes and wants a network.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use scanhost_it::{output::Output, program::workspace, server::Home};
use serde_json::Value;

fn made(home: &Home, name: &str, kind: &str, language: &str) -> Output {
    Output::of(home.command(&["plugin", "new", name, "--kind", kind, "--lang", language]))
}

/// Builds the plugin of this name with the crates that are there already.
fn built(home: &Home, name: &str) -> PathBuf {
    let folder = home.path().join(name);
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a file can be copied");
    let target = env::current_exe().expect("a test has a path");
    // `<target>`: a test runs from `<target>/<profile>/deps`.
    let target = target.ancestors().nth(3).expect("a test lies in the target folder").join("example-plugin");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(["build", "--target", "wasm32-wasip2", "--release", "--quiet", "--offline"]);
    cargo.arg("--target-dir").arg(&target);
    let built = cargo.output().expect("cargo can be started");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    target.join("wasm32-wasip2/release").join(format!("{}.wasm", name.replace('-', "_")))
}

fn tested(home: &Home, component: &Path, script: Option<&Path>) -> Value {
    let mut test = home.command(&["plugin", "test", "--json"]);
    test.arg(component);
    if let Some(script) = script {
        test.arg("--script").arg(script);
    }
    let output = Output::of(test);
    assert_eq!(output.code, Some(0), "{output:?}");
    serde_json::from_str(&output.stdout).expect("it prints JSON")
}

#[test]
fn a_new_plugin_in_rust_builds_and_passes() {
    let home = Home::new(&[]);
    for (name, kind, least) in [("new-backend", "backend", 55), ("new-profile", "profile", 16)] {
        let output = made(&home, name, kind, "rust");
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.contains("cargo build --target wasm32-wasip2 --release"), "{}", output.stdout);
        let component = built(&home, name);
        let script = Some(home.path().join(name).join("script.yaml")).filter(|script| script.is_file());
        let answer = tested(&home, &component, script.as_deref());
        assert!(answer["passed"].as_u64().is_some_and(|passed| passed >= least), "{answer:#}");
    }
}

#[test]
fn every_language_has_a_template_of_every_kind() {
    let home = Home::new(&[]);
    for language in ["rust", "python", "js"] {
        for kind in ["backend", "profile"] {
            let name = format!("a-{language}-{kind}");
            let output = made(&home, &name, kind, language);
            assert_eq!(output.code, Some(0), "{output:?}");
            let folder = home.path().join(&name);
            let world = fs::read_to_string(folder.join(format!("wit/{kind}.wit"))).expect("the world is there");
            assert_eq!(world, fs::read_to_string(workspace().join(format!("wit/{kind}.wit"))).expect("it is here too"));
            assert_eq!(folder.join("script.yaml").is_file(), kind == "backend");
            check_filled_in(&folder);
        }
    }
}

/// No placeholder of a template is left.
fn check_filled_in(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            check_filled_in(&path);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a template is text");
        for left in ["@NAME@", "@KIND@", "@VERSION@", "@DEPENDENCIES@"] {
            assert!(!text.contains(left), "{} has {left}", path.display());
        }
    }
}

#[test]
fn a_bad_name_is_refused() {
    let home = Home::new(&[]);
    for name in ["", "Feed", "9feed", "-feed", "feed-", "feed--er", "fe ed", "../feed", "/tmp/feed", "nessus", "std"] {
        let output = Output::of(home.command(&["plugin", "new", "--kind", "backend", "--lang", "rust", "--", name]));
        assert_eq!(output.code, Some(1), "{name:?}: {output:?}");
        assert!(output.stderr.contains("name"), "{}", output.stderr);
    }
    let long = made(&home, &"a".repeat(41), "backend", "rust");
    assert!(long.stderr.contains("40"), "{}", long.stderr);
}

#[test]
fn nothing_is_overwritten() {
    let home = Home::new(&[]);
    let folder = home.path().join("feed");
    fs::create_dir(&folder).expect("a folder can be made");
    let output = made(&home, "feed", "backend", "js");
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("feed is there already"), "{}", output.stderr);
    assert_eq!(fs::read_dir(&folder).expect("it is still there").count(), 0);
}
