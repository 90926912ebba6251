use std::fs;

use jiff::Timestamp;
use scanhost_sandbox::Digest;

use super::{Ledger, PluginArchive, Rollback, ServedVersion};

fn served(sha256: &str) -> ServedVersion {
    ServedVersion {
        sha256: sha256.to_owned(),
        version: "1.0.0".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        state_version: None,
        bad: None,
    }
}

fn rollback(to: &str, instead_of: &str) -> Rollback {
    let (to, instead_of) = (to.to_owned(), instead_of.to_owned());
    Rollback { to, instead_of, at: Timestamp::UNIX_EPOCH, reason: "asked for".to_owned() }
}

fn with_served(versions: &[&str]) -> Ledger {
    let mut ledger = Ledger::default();
    for version in versions {
        serve(&mut ledger, version, version);
    }
    ledger
}

/// Records a served version like a process that has just read the ledger.
fn serve(ledger: &mut Ledger, file: &str, version: &str) {
    let known_rollback = ledger.rollback("p").cloned();
    ledger.record_served("p", file, served(version), known_rollback.as_ref());
}

fn last_good(ledger: &Ledger, sha256: &str) -> Option<String> {
    ledger.last_good("p", sha256).map(|served| served.sha256.clone())
}

#[test]
fn last_good_version_is_the_latest_other_version() {
    for (versions, expected) in [
        (&["a"][..], None),
        (&["a", "b"], Some("a")),
        (&["a", "b", "c"], Some("b")),
        (&["a", "b", "a"], Some("b")),
        (&["a", "b", "b"], Some("a")),
    ] {
        let last = versions.last().unwrap();
        assert_eq!(last_good(&with_served(versions), last).as_deref(), expected, "{versions:?}");
    }
}

#[test]
fn second_rollback_chooses_an_older_version() {
    let mut ledger = with_served(&["a", "b", "c"]);
    ledger.roll_back("p", "c", rollback("b", "c"));
    serve(&mut ledger, "c", "b");
    assert_eq!(ledger.rollback_for("p", "c").unwrap().to, "b");
    assert_eq!(last_good(&ledger, "b").as_deref(), Some("a"));
    ledger.roll_back("p", "b", rollback("a", "c"));
    serve(&mut ledger, "c", "a");
    assert_eq!(ledger.rollback_for("p", "c").unwrap().to, "a");
    assert_eq!(last_good(&ledger, "a"), None);
}

#[test]
fn rollback_ends_only_with_another_file() {
    let mut ledger = with_served(&["a", "b"]);
    ledger.roll_back("p", "b", rollback("a", "b"));
    serve(&mut ledger, "b", "a");
    assert!(ledger.rollback_for("p", "b").is_some() && ledger.rollback_for("p", "c").is_none());
    serve(&mut ledger, "c", "c");
    assert!(ledger.rollback_for("p", "b").is_none(), "the rollback has ended");
    assert_eq!(last_good(&ledger, "c").as_deref(), Some("a"), "a bad version is never the last good one");
    serve(&mut ledger, "b", "b");
    assert_eq!(last_good(&ledger, "x").as_deref(), Some("b"), "a version that is deployed again is no longer bad");
}

#[test]
fn use_file_ends_the_rollback() {
    let mut ledger = with_served(&["a", "b"]);
    assert!(!ledger.use_file("p"));
    ledger.roll_back("p", "b", rollback("a", "b"));
    assert!(ledger.use_file("p"));
    assert!(ledger.rollback_for("p", "b").is_none());
}

#[test]
fn only_the_latest_versions_are_remembered() {
    let versions: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let ledger = with_served(&versions.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(versions.iter().filter(|version| ledger.remembers(version)).count(), 8);
    assert!(ledger.remembers("99") && !ledger.remembers("0"));
}

#[test]
fn stored_component_is_read_unless_it_is_damaged() {
    let data = tempfile::tempdir().unwrap();
    let archive = PluginArchive::new(data.path());
    let digest = Digest::of(b"bytes");
    archive.store(digest, b"bytes").unwrap();
    assert_eq!(archive.component(&digest.to_string()).unwrap(), b"bytes");
    fs::write(data.path().join(format!("plugins/{digest}.wasm")), b"others").unwrap();
    assert!(archive.component(&digest.to_string()).unwrap_err().contains("damaged"));
}

#[test]
fn ledger_is_read_as_it_was_written() {
    let data = tempfile::tempdir().unwrap();
    let archive = PluginArchive::new(data.path());
    assert_eq!(archive.ledger().unwrap(), Ledger::default());
    archive.change(|ledger| *ledger = with_served(&["a", "b"])).unwrap();
    assert_eq!(archive.ledger().unwrap(), with_served(&["a", "b"]));
}

#[test]
fn broken_ledger_is_reported_with_its_file() {
    let data = tempfile::tempdir().unwrap();
    let archive = PluginArchive::new(data.path());
    archive.change(|ledger| *ledger = with_served(&["a", "b"])).unwrap();
    for name in ["ledger.json", "rollbacks.json"] {
        let file = data.path().join("plugins").join(name);
        let text = fs::read(&file).unwrap();
        fs::write(&file, "{").unwrap();
        assert!(archive.ledger().unwrap_err().contains(name));
        fs::write(&file, text).unwrap();
    }
}

#[test]
fn version_that_comes_into_use_does_not_change_the_file_of_rollbacks() {
    let data = tempfile::tempdir().unwrap();
    let archive = PluginArchive::new(data.path());
    archive.change(|ledger| *ledger = with_served(&["a"])).unwrap();
    let modified = || fs::metadata(archive.rollbacks_file()).unwrap().modified().unwrap();
    let before = modified();
    archive.change(|ledger| serve(ledger, "b", "b")).unwrap();
    assert_eq!(modified(), before);
    archive.change(|ledger| ledger.roll_back("p", "b", rollback("a", "b"))).unwrap();
    assert_ne!(modified(), before);
    assert_eq!(archive.ledger().unwrap().rollback_for("p", "b"), Some(&rollback("a", "b")));
}

#[test]
fn rollback_in_a_ledger_of_version_0_1_0_still_applies() {
    let data = tempfile::tempdir().unwrap();
    let archive = PluginArchive::new(data.path());
    let old = r#"{"p": {
        "served": [
            {"sha256": "a", "version": "1.0.0", "since": "1970-01-01T00:00:00Z"},
            {"sha256": "b", "version": "1.0.0", "since": "1970-01-01T00:00:00Z", "bad": "asked for"}
        ],
        "back": {"to": "a", "instead_of": "b", "at": "1970-01-01T00:00:00Z", "reason": "asked for"}
    }}"#;
    fs::create_dir(data.path().join("plugins")).unwrap();
    fs::write(data.path().join("plugins/ledger.json"), old).unwrap();
    assert_eq!(archive.ledger().unwrap().rollback_for("p", "b"), Some(&rollback("a", "b")));
    assert!(archive.change(|ledger| ledger.use_file("p")).unwrap());
    assert_eq!(archive.ledger().unwrap().rollback_for("p", "b"), None);
}

#[test]
fn process_that_loaded_before_a_rollback_does_not_undo_it() {
    let mut ledger = with_served(&["a", "b"]);
    let known_rollback = ledger.rollback("p").cloned();
    ledger.roll_back("p", "b", rollback("a", "b"));
    let rolled_back = ledger.clone();
    ledger.record_served("p", "b", served("b"), known_rollback.as_ref());
    assert_eq!(ledger, rolled_back, "b is still bad, and a is used in its place");
    ledger.undo("p", Some(&rollback("c", "b")), &with_served(&["a", "b"]));
    assert_eq!(ledger, rolled_back, "the rollback of another process stays");
    ledger.undo("p", Some(&rollback("a", "b")), &with_served(&["a", "b"]));
    assert_eq!(ledger, with_served(&["a", "b"]));
}

#[test]
fn concurrent_writers_lose_no_changes() {
    let data = tempfile::tempdir().unwrap();
    let write = |plugin: &str| {
        let archive = PluginArchive::new(data.path());
        for version in ["a", "b", "c", "d", "e", "f"] {
            archive.change(|ledger| ledger.record_served(plugin, version, served(version), None)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write("p"));
        scope.spawn(|| write("q"));
    });
    let ledger = PluginArchive::new(data.path()).ledger().unwrap();
    for plugin in ["p", "q"] {
        for version in ["a", "b", "c", "d", "e", "f"] {
            assert!(ledger.since(plugin, version).is_some(), "{plugin} {version}");
        }
    }
}
