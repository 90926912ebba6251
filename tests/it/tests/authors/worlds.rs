//! WIT worlds are frozen: a plugin that was built against a released world has to load for ever.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, OnceLock},
};

use scanhost_it::program::workspace;
use scanhost_sandbox::{Component, Digest, Grants, Limits, Plugin, Sandbox, WORLDS};

/// Every frozen world, with the digest of its text without comments and white space.
/// A row is never changed and never removed; a new version of a world is a new row.
const FROZEN: [(&str, &str); 3] = [
    ("backend@0.1.0", "ed3b3145134edb6f1c696625ff1b61794cff52b7b04081cd124405809e2bd579"),
    ("command@0.1.0", "7891e630e75e0a7624728c9982f3fb35f6bfe241f03977a86f6546c0b92e5948"),
    ("profile@0.1.0", "1dcb43875ba853b633b22c6f7c5886f562c6d9473e4f7f2d2deff7a87e1e5fd8"),
];

/// The text of a world without comments and white space, which may change.
fn normalized(text: &str) -> String {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn frozen_text(world: &str) -> String {
    let file = workspace().join("wit/frozen").join(format!("{world}.wit"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn fixture(world: &str) -> Vec<u8> {
    let file = workspace().join("tests/fixtures/worlds").join(format!("{world}.wasm"));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn sandbox() -> Arc<Sandbox> {
    static SANDBOX: OnceLock<Arc<Sandbox>> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::start(None).expect("the sandbox starts")).clone()
}

/// The names of the files in a folder that have this suffix, without it.
fn file_names(folder: &str, suffix: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(workspace().join(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned());
    names.filter_map(|name| Some(name.strip_suffix(suffix)?.to_owned())).collect()
}

#[test]
fn frozen_worlds_are_unchanged() {
    for (world, digest) in FROZEN {
        let found = Digest::of(normalized(&frozen_text(world)).as_bytes()).to_string();
        assert_eq!(found, digest, "{world} is frozen: make the change in a new version");
    }
}

#[test]
fn every_frozen_world_has_a_text_and_a_fixture() {
    let listed: BTreeSet<String> = FROZEN.iter().map(|(world, _)| (*world).to_owned()).collect();
    assert_eq!(file_names("wit/frozen", ".wit"), listed);
    assert_eq!(file_names("tests/fixtures/worlds", ".wasm"), listed);
}

#[test]
fn worlds_of_this_host_are_frozen() {
    for world in WORLDS {
        let name = world.id().strip_prefix("scanhost:").expect("the id has our namespace");
        assert_eq!(
            normalized(world.wit()),
            normalized(&frozen_text(name)),
            "{name} is frozen: give the world a new version and freeze that"
        );
    }
    // `command` is not a world but an interface, which a plugin may import beside its world.
    let command = fs::read_to_string(workspace().join("wit/command.wit")).expect("the file is there");
    assert_eq!(normalized(&command), normalized(&frozen_text("command@0.1.0")), "command is frozen");
}

#[tokio::test]
async fn plugins_of_all_frozen_worlds_load() {
    for (world, _) in FROZEN {
        let component = Component::compile(sandbox(), &fixture(world)).expect("the fixture is a component");
        let plugin = Plugin::load(&component, Limits::default(), Grants::ALL).await;
        match plugin.unwrap_or_else(|error| panic!("{world}: {error}")) {
            Plugin::Backend(backend) => assert_eq!(backend.description().name.as_str(), "frozen-backend"),
            Plugin::Profile(profile) => {
                let plan = profile.plan("{}", std::iter::empty()).await.expect("it answers").expect("it has a plan");
                assert_eq!(plan.filters, r#"{"severity": ">=High"}"#);
            }
        }
    }
}
