//! `plugin test`: the shipped plugins pass every case, and a plugin with one fault fails the case that names it.

use std::{fs, path::Path};

use scanhost_it::{
    guests::{FAULTY, MOCK, NESSUS, NMAP, PROFILE},
    output::Output,
    program::workspace,
};
use serde_json::Value;

use crate::component::Shelf;

/// A fault of `tests/guests/examples/faulty.rs`, and the one case that fails.
const FAULTS: [(&str, &str); 21] = [
    ("aimless", "sends-its-targets"),
    ("boaster", "status-running"),
    ("careless", "stops-at-a-refused-batch"),
    ("chunky", "reads-odd-pieces"),
    ("crawler", "reads-in-linear-time"),
    ("deaf", "obeys-retry-after"),
    ("forgetful", "finds-what-it-created"),
    ("fragile", "refuses-html"),
    ("grabber", "lists-nobody-elses"),
    ("greedy", "finds-nobody-elses"),
    ("hammer", "gives-up"),
    ("hoarder", "takes-a-large-request"),
    ("leaky", "keeps-placeholders-in-the-body"),
    ("moody", "answers-the-same-twice"),
    ("mumbler", "explains-its-fields"),
    ("parrot", "quotes-nothing"),
    ("quitter", "retries-on-503"),
    ("sleepy", "lists-what-runs-as-running"),
    ("stubborn", "tells-already-running"),
    ("wanderer", "asks-what-is-permitted"),
    ("none", ""),
];

fn tested(bytes: &[u8], script: &str) -> (Output, Value) {
    let script = workspace().join(script);
    let output = Shelf::with(bytes).ask("test", &["--json", "--script", script.to_str().expect("a path of text")]);
    let answer = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output, answer)
}

/// The names of the cases that ended so.
fn cases(answer: &Value, result: &str) -> Vec<String> {
    let cases = answer["cases"].as_array().expect("a list of cases").iter();
    let of = cases.filter(|case| case["result"] == result);
    of.map(|case| case["case"].as_str().expect("a name").to_owned()).collect()
}

fn check_passes(bytes: &[u8], script: &str, least: usize) {
    let (output, answer) = tested(bytes, script);
    assert_eq!(output.code, Some(0), "{:#}", answer["cases"]);
    let passed = cases(&answer, "pass").len();
    assert!(passed >= least, "{passed} passed: {:#}", answer["cases"]);
}

#[test]
fn shipped_backends_pass() {
    check_passes(NESSUS, "plugins/nessus/nessus.script.yaml", 55);
    check_passes(MOCK, "plugins/mock/mock.script.yaml", 30);
    check_passes(NMAP, "plugins/nmap/nmap.script.yaml", 48);
}

#[test]
fn the_shipped_profile_passes() {
    check_passes(PROFILE, "plugins/profile/profile.script.yaml", 9);
}

#[test]
fn a_fault_fails_exactly_the_case_that_names_it() {
    for (fault, case) in FAULTS {
        let (output, answer) = tested(&with_fault(fault), "tests/guests/lab.script.yaml");
        let expected: Vec<&str> = if case.is_empty() { vec![] } else { vec![case] };
        assert_eq!(cases(&answer, "FAIL"), expected, "{fault}: {:#}", answer["cases"]);
        assert_eq!(output.code, Some(i32::from(!case.is_empty())), "{fault}");
    }
}

/// Their sample is in JSON, which that of the others is not.
#[test]
fn a_report_in_json_is_changed_key_by_key() {
    for (fault, result) in [("none", "pass"), ("rigid", "FAIL")] {
        let shelf = Shelf::with(&with_fault(fault));
        fs::write(shelf.file.with_file_name("lines.jsonl"), "{\"host\": \"10.0.0.5\", \"port\": 22}\n")
            .expect("it is there");
        fs::write(script_beside(&shelf.file), "report: lines.jsonl").expect("a file can be written");
        let output = shelf.ask("test", &["--json", "--only", "stands-changed-json"]);
        let answer: Value = serde_json::from_str(&output.stdout).expect("it prints JSON");
        assert_eq!(cases(&answer, result), ["stands-changed-json"], "{fault}: {answer:#}");
    }
}

/// The component with this fault in place of none.
pub fn with_fault(fault: &str) -> Vec<u8> {
    let mark = b"fault=none............";
    let mut bytes = FAULTY.to_vec();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(mark)).collect();
    let [place] = places[..] else { panic!("the mark is there {} times", places.len()) };
    let wanted = format!("fault={fault:.<16}");
    bytes[place..place + mark.len()].copy_from_slice(wanted.as_bytes());
    bytes
}

#[test]
fn for_people_it_is_a_table_with_what_was_seen_and_why_it_matters() {
    let shelf = Shelf::with(&with_fault("deaf"));
    fs::copy(workspace().join("tests/guests/lab.script.yaml"), script_beside(&shelf.file)).expect("a file is copied");
    let output = shelf.ask("test", &[]);
    assert_eq!(output.code, Some(1));
    let row = output.stdout.lines().find(|line| line.contains("obeys-retry-after")).expect("a row of the case");
    assert!(
        row.contains("FAIL") && row.contains("RateLimited(None)") && row.contains("the host waits so long"),
        "{row}"
    );
    assert!(output.stdout.contains("1 failed"), "{}", output.stdout);
}

fn script_beside(file: &Path) -> std::path::PathBuf {
    file.with_extension("script.yaml")
}

#[test]
fn its_cost_is_the_same_each_time() {
    let fuel = || {
        let (_, answer) = tested(MOCK, "plugins/mock/mock.script.yaml");
        let cases = answer["cases"].as_array().expect("a list of cases").iter();
        cases.map(|case| (case["case"].to_string(), case["fuel"].as_u64())).collect::<Vec<_>>()
    };
    let first = fuel();
    assert!(first.iter().any(|(_, fuel)| fuel.is_some_and(|fuel| fuel > 1_000)), "{first:?}");
    assert_eq!(first, fuel());
}

#[test]
fn a_script_that_cannot_be_read_is_told() {
    let shelf = Shelf::with(MOCK);
    for (script, problem) in [
        ("routes: [{request: GET scans, answer: {}}]", "does not begin with `/`"),
        ("routes: [{request: GET /scans}]", "neither `answer` nor `answers`"),
        ("report: nowhere.csv", "nowhere.csv"),
        ("rutes: []", "rutes"),
    ] {
        fs::write(script_beside(&shelf.file), script).expect("a file can be written");
        let output = shelf.ask("test", &[]);
        assert_eq!(output.code, Some(1), "{script}");
        assert!(output.stderr.contains(problem), "{script}: {}", output.stderr);
    }
}
