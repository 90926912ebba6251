use std::fs;

use jiff::Timestamp;
use scanhost_sandbox::Digest;

use super::{Kept, Ledger, Served, WentBack};

fn served(sha256: &str) -> Served {
    Served {
        sha256: sha256.to_owned(),
        version: "1.0.0".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        state_version: None,
        bad: None,
    }
}

fn back(to: &str, instead_of: &str) -> WentBack {
    let (to, instead_of) = (to.to_owned(), instead_of.to_owned());
    WentBack { to, instead_of, at: Timestamp::UNIX_EPOCH, reason: "asked for".to_owned() }
}

fn with_served(versions: &[&str]) -> Ledger {
    let mut ledger = Ledger::default();
    for version in versions {
        serve(&mut ledger, version, version);
    }
    ledger
}

/// By a process that knows the ledger as it is.
fn serve(ledger: &mut Ledger, file: &str, version: &str) {
    let decided = ledger.decided("p").cloned();
    ledger.serve("p", file, served(version), decided.as_ref());
}

fn before(ledger: &Ledger, sha256: &str) -> Option<String> {
    ledger.before("p", sha256).map(|served| served.sha256.clone())
}

#[test]
fn the_version_before_is_the_nearest_that_is_another() {
    for (versions, expected) in [
        (&["a"][..], None),
        (&["a", "b"], Some("a")),
        (&["a", "b", "c"], Some("b")),
        (&["a", "b", "a"], Some("b")),
        (&["a", "b", "b"], Some("a")),
    ] {
        let last = versions.last().unwrap();
        assert_eq!(before(&with_served(versions), last).as_deref(), expected, "{versions:?}");
    }
}

#[test]
fn going_back_twice_goes_further_back() {
    let mut ledger = with_served(&["a", "b", "c"]);
    ledger.go_back("p", "c", back("b", "c"));
    serve(&mut ledger, "c", "b");
    assert_eq!(ledger.went_back("p", "c").unwrap().to, "b");
    assert_eq!(before(&ledger, "b").as_deref(), Some("a"));
    ledger.go_back("p", "b", back("a", "c"));
    serve(&mut ledger, "c", "a");
    assert_eq!(ledger.went_back("p", "c").unwrap().to, "a");
    assert_eq!(before(&ledger, "a"), None);
}

#[test]
fn another_file_ends_it_and_the_same_file_does_not() {
    let mut ledger = with_served(&["a", "b"]);
    ledger.go_back("p", "b", back("a", "b"));
    serve(&mut ledger, "b", "a");
    assert!(ledger.went_back("p", "b").is_some() && ledger.went_back("p", "c").is_none());
    serve(&mut ledger, "c", "c");
    assert!(ledger.went_back("p", "b").is_none(), "the old file is nothing special any more");
    assert_eq!(before(&ledger, "c").as_deref(), Some("a"), "what was left as bad is not gone back to");
    serve(&mut ledger, "b", "b");
    assert_eq!(before(&ledger, "x").as_deref(), Some("b"), "deployed again, it counts again");
}

#[test]
fn the_file_can_be_chosen_again() {
    let mut ledger = with_served(&["a", "b"]);
    assert!(!ledger.use_file("p"));
    ledger.go_back("p", "b", back("a", "b"));
    assert!(ledger.use_file("p"));
    assert!(ledger.went_back("p", "b").is_none());
}

#[test]
fn a_few_versions_are_remembered() {
    let versions: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let ledger = with_served(&versions.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(versions.iter().filter(|version| ledger.needs(version)).count(), 8);
    assert!(ledger.needs("99") && !ledger.needs("0"));
}

#[test]
fn kept_bytes_come_back_and_damaged_ones_do_not() {
    let data = tempfile::tempdir().unwrap();
    let kept = Kept::new(data.path());
    let digest = Digest::of(b"bytes");
    kept.keep(digest, b"bytes").unwrap();
    assert_eq!(kept.bytes(&digest.to_string()).unwrap(), b"bytes");
    fs::write(data.path().join(format!("plugins/{digest}.wasm")), b"others").unwrap();
    assert!(kept.bytes(&digest.to_string()).unwrap_err().contains("damaged"));
}

#[test]
fn a_ledger_is_read_as_it_was_written_and_a_broken_one_is_told() {
    let data = tempfile::tempdir().unwrap();
    let kept = Kept::new(data.path());
    assert_eq!(kept.ledger().unwrap(), Ledger::default());
    kept.change(|ledger| *ledger = with_served(&["a", "b"])).unwrap();
    assert_eq!(kept.ledger().unwrap(), with_served(&["a", "b"]));
    fs::write(kept.ledger_file(), "{").unwrap();
    assert!(kept.ledger().unwrap_err().contains("ledger.json"));
}

#[test]
fn who_loaded_before_another_process_went_back_does_not_undo_it() {
    let mut ledger = with_served(&["a", "b"]);
    let known = ledger.decided("p").cloned();
    ledger.go_back("p", "b", back("a", "b"));
    let decided = ledger.clone();
    ledger.serve("p", "b", served("b"), known.as_ref());
    assert_eq!(ledger, decided, "b is still bad, and a in its place");
    ledger.undo("p", Some(&back("c", "b")), &with_served(&["a", "b"]));
    assert_eq!(ledger, decided, "what another has decided is not taken back");
    ledger.undo("p", Some(&back("a", "b")), &with_served(&["a", "b"]));
    assert_eq!(ledger, with_served(&["a", "b"]));
}

#[test]
fn of_two_writers_none_loses_what_the_other_wrote() {
    let data = tempfile::tempdir().unwrap();
    let write = |plugin: &str| {
        let kept = Kept::new(data.path());
        for version in ["a", "b", "c", "d", "e", "f"] {
            kept.change(|ledger| ledger.serve(plugin, version, served(version), None)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write("p"));
        scope.spawn(|| write("q"));
    });
    let ledger = Kept::new(data.path()).ledger().unwrap();
    for plugin in ["p", "q"] {
        for version in ["a", "b", "c", "d", "e", "f"] {
            assert!(ledger.since(plugin, version).is_some(), "{plugin} {version}");
        }
    }
}
