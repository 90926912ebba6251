//! The output of `scanhost report` equals, field by field, that of an independent reader in Python.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use scanhost_it::{output::Output, program::workspace, server::Home, third_party::python};

/// The reports in a folder, sorted by name.
fn reports_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "nessus" || kind == "xml")).collect();
    files.sort();
    files
}

fn fixtures() -> Vec<PathBuf> {
    reports_in(&workspace().join("tests/fixtures"))
}

/// Prints all findings of the report as JSON lines.
fn run_report(home: &Home, file: &Path) -> Output {
    let mut command = home.command(&["report"]);
    command.arg(file).args(["--profile", "full", "--page", "0"]).env("XDG_CACHE_HOME", home.path().join("cache"));
    Output::run(command)
}

fn run_reference(arguments: &[&Path]) -> Output {
    let mut command = python();
    command.arg(workspace().join("tests/reference/read_nessus.py")).args(arguments);
    Output::run(command)
}

/// Compares both readers, and returns a description of the agreement, or the differences as `Err`.
fn compare(home: &Home, file: &Path) -> Result<String, String> {
    let ours = run_report(home, file);
    if ours.code == Some(0) {
        let lines = home.path().join("lines.jsonl");
        fs::write(&lines, ours.stdout).unwrap();
        let compared = run_reference(&[file, &lines]);
        return match compared.code {
            Some(0) => Ok(compared.stdout),
            _ => Err(compared.stdout + &compared.stderr),
        };
    }
    // The host may refuse only reports in which the reference finds nothing, too.
    let theirs = run_reference(&[file]);
    match (theirs.stdout.is_empty(), ours.stderr.lines().count()) {
        (true, 1) => Ok(ours.stderr),
        _ => Err(format!("{}but the reference read {} findings", ours.stderr, theirs.stdout.lines().count())),
    }
}

fn check_all(reports: Vec<PathBuf>) {
    assert!(!reports.is_empty(), "there are no reports");
    let home = Home::new(&[]);
    let mut failures = Vec::new();
    for file in reports {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match compare(&home, &file) {
            Ok(agreement) => println!("{name}: {}", agreement.trim()),
            Err(differences) => failures.push(format!("{name}: {}", differences.trim())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn fixtures_are_read_like_the_reference() {
    check_all(fixtures());
}

// `SCANHOST_REPORTS` names a folder of reports that cannot be part of this repository. Without it the test uses the
// fixtures.
#[test]
fn further_reports_are_read_like_the_reference() {
    check_all(env::var_os("SCANHOST_REPORTS").map_or_else(fixtures, |folder| reports_in(Path::new(&folder))));
}

#[test]
fn every_fixture_is_read_without_an_error() {
    let home = Home::new(&[]);
    for file in fixtures() {
        let output = run_report(&home, &file);
        assert_eq!(output.code, Some(0), "{}: {}", file.display(), output.stderr);
    }
}

#[test]
fn reference_detects_a_difference() {
    let home = Home::new(&[]);
    let file = workspace().join("tests/fixtures/several_hosts.nessus");
    let lines = home.path().join("lines.jsonl");
    let changed = run_report(&home, &file).stdout.replacen("\"port\":443", "\"port\":444", 1);
    fs::write(&lines, changed).unwrap();
    let compared = run_reference(&[&file, &lines]);
    assert_eq!(compared.code, Some(1), "{}", compared.stderr);
    assert_eq!(compared.stdout, "finding 0, port: 443 against 444\n");
}
