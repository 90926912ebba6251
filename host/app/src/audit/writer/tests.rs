use std::fs;

use jiff::{Timestamp, civil::date};

use super::{super::Entry, Sharing, append, remove_before};

fn entry(time: &str, action: &str) -> Entry {
    Entry { time: time.parse::<Timestamp>().expect("a time"), ..Entry::new("ci", "http", action, "ok") }
}

#[test]
fn each_day_has_its_file_and_each_entry_a_line() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let audit = folder.path().join("audit");
    let entries =
        [entry("2026-01-01T23:59:59Z", "a"), entry("2026-01-02T00:00:00Z", "b\nc"), entry("2026-01-02T01:00:00Z", "d")];
    append(&audit, &entries[..2], Sharing::Alone).expect("written");
    append(&audit, &entries[2..], Sharing::Alone).expect("written");
    let read = |name: &str| fs::read_to_string(audit.join(name)).expect("a file");
    let first =
        "{\"time\":\"2026-01-01T23:59:59Z\",\"caller\":\"ci\",\"via\":\"http\",\"action\":\"a\",\"outcome\":\"ok\"}\n";
    assert_eq!(read("2026-01-01.jsonl"), first);
    let second = read("2026-01-02.jsonl");
    let actions: Vec<serde_json::Value> =
        second.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(actions.iter().map(|entry| &entry["action"]).collect::<Vec<_>>(), ["b\nc", "d"]);
}

#[test]
fn only_old_days_are_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["2026-01-01.jsonl", "2026-01-02.jsonl", "2026-01-01.txt", "notes.jsonl"] {
        fs::write(folder.path().join(name), "").expect("a file can be written");
    }
    remove_before(folder.path(), date(2026, 1, 2));
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    left.sort();
    assert_eq!(left, ["2026-01-01.txt", "2026-01-02.jsonl", "notes.jsonl"]);
}
