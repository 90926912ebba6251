//! `plugin test`: the shipped plugins pass every case, and a plugin with one fault fails the case that names it.

use std::{fs, path::Path};

use scanhost_it::{
    guests::{FAULTY, MOCK, NESSUS, NMAP, PROFILE},
    output::Output,
    program::workspace,
};
use serde_json::Value;

use crate::plugin_file::PluginFile;

/// Each fault of `tests/guests/examples/faulty.rs`, with the one case that has to fail because of it.
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

fn run_kit(bytes: &[u8], script: &str) -> (Output, Value) {
    let script = workspace().join(script);
    let output = PluginFile::new(bytes).run("test", &["--json", "--script", script.to_str().expect("a path of text")]);
    let answer = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output, answer)
}

/// The names of the cases with this result.
fn cases(answer: &Value, result: &str) -> Vec<String> {
    let cases = answer["cases"].as_array().expect("a list of cases").iter();
    let matching = cases.filter(|case| case["result"] == result);
    matching.map(|case| case["case"].as_str().expect("a name").to_owned()).collect()
}

/// Checks that no case fails, and that at least this many cases pass.
fn check_passes(bytes: &[u8], script: &str, min_passed: usize) {
    let (output, answer) = run_kit(bytes, script);
    assert_eq!(output.code, Some(0), "{:#}", answer["cases"]);
    let passed = cases(&answer, "pass").len();
    assert!(passed >= min_passed, "{passed} passed: {:#}", answer["cases"]);
}

#[test]
fn shipped_backends_pass_the_kit() {
    check_passes(NESSUS, "plugins/nessus/nessus.script.yaml", 55);
    check_passes(MOCK, "plugins/mock/mock.script.yaml", 30);
    check_passes(NMAP, "plugins/nmap/nmap.script.yaml", 48);
}

#[test]
fn shipped_profile_passes_the_kit() {
    check_passes(PROFILE, "plugins/profile/profile.script.yaml", 9);
}

#[test]
fn each_fault_fails_exactly_its_case() {
    for (fault, case) in FAULTS {
        let (output, answer) = run_kit(&with_fault(fault), "tests/guests/lab.script.yaml");
        let expected: Vec<&str> = if case.is_empty() { vec![] } else { vec![case] };
        assert_eq!(cases(&answer, "FAIL"), expected, "{fault}: {:#}", answer["cases"]);
        assert_eq!(output.code, Some(i32::from(!case.is_empty())), "{fault}");
    }
}

// The sample report of this test is JSON; those of the other tests are not.
#[test]
fn kit_changes_a_json_report_key_by_key() {
    for (fault, result) in [("none", "pass"), ("rigid", "FAIL")] {
        let plugin_file = PluginFile::new(&with_fault(fault));
        fs::write(plugin_file.file.with_file_name("lines.jsonl"), "{\"host\": \"10.0.0.5\", \"port\": 22}\n")
            .expect("a file can be written");
        fs::write(script_path(&plugin_file.file), "report: lines.jsonl").expect("a file can be written");
        let output = plugin_file.run("test", &["--json", "--only", "stands-changed-json"]);
        let answer: Value = serde_json::from_str(&output.stdout).expect("it prints JSON");
        assert_eq!(cases(&answer, result), ["stands-changed-json"], "{fault}: {answer:#}");
    }
}

/// Makes a variant of the component `faulty` that has this fault.
pub fn with_fault(fault: &str) -> Vec<u8> {
    let mark = b"fault=none............";
    let mut bytes = FAULTY.to_vec();
    let positions: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(mark)).collect();
    let [position] = positions[..] else { panic!("the mark occurs {} times", positions.len()) };
    let replacement = format!("fault={fault:.<16}");
    bytes[position..position + mark.len()].copy_from_slice(replacement.as_bytes());
    bytes
}

#[test]
fn kit_prints_a_table_with_observation_and_reason() {
    let plugin_file = PluginFile::new(&with_fault("deaf"));
    fs::copy(workspace().join("tests/guests/lab.script.yaml"), script_path(&plugin_file.file))
        .expect("a file is copied");
    let output = plugin_file.run("test", &[]);
    assert_eq!(output.code, Some(1));
    let row = output.stdout.lines().find(|line| line.contains("obeys-retry-after")).expect("a row of the case");
    assert!(
        row.contains("FAIL") && row.contains("RateLimited(None)") && row.contains("the host waits that long"),
        "{row}"
    );
    assert!(output.stdout.contains("1 failed"), "{}", output.stdout);
}

/// The path at which the kit looks for the script of this plugin file.
fn script_path(file: &Path) -> std::path::PathBuf {
    file.with_extension("script.yaml")
}

#[test]
fn fuel_of_each_case_is_deterministic() {
    let fuel = || {
        let (_, answer) = run_kit(MOCK, "plugins/mock/mock.script.yaml");
        let cases = answer["cases"].as_array().expect("a list of cases").iter();
        cases.map(|case| (case["case"].to_string(), case["fuel"].as_u64())).collect::<Vec<_>>()
    };
    let first = fuel();
    assert!(first.iter().any(|(_, fuel)| fuel.is_some_and(|fuel| fuel > 1_000)), "{first:?}");
    assert_eq!(first, fuel());
}

#[test]
fn invalid_script_is_reported() {
    let plugin_file = PluginFile::new(MOCK);
    for (script, problem) in [
        ("routes: [{request: GET scans, answer: {}}]", "does not begin with `/`"),
        ("routes: [{request: GET /scans}]", "neither `answer` nor `answers`"),
        ("report: nowhere.csv", "nowhere.csv"),
        ("rutes: []", "rutes"),
    ] {
        fs::write(script_path(&plugin_file.file), script).expect("a file can be written");
        let output = plugin_file.run("test", &[]);
        assert_eq!(output.code, Some(1), "{script}");
        assert!(output.stderr.contains(problem), "{script}: {}", output.stderr);
    }
}
