//! What `scanhost report` shows of a report equals, field by field, what an independent reader in Python makes of it.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use scanhost_it::{installed::python, output::Output, program::workspace, server::Home};

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "nessus" || kind == "xml")).collect();
    files.sort();
    files
}

fn fixtures() -> Vec<PathBuf> {
    files(&workspace().join("tests/fixtures"))
}

/// Everything that is in the report, as JSON lines.
fn report(home: &Home, file: &Path) -> Output {
    let mut command = home.command(&["report"]);
    command.arg(file).args(["--profile", "full", "--page", "0"]).env("XDG_CACHE_HOME", home.path().join("cache"));
    Output::of(command)
}

fn reference(arguments: &[&Path]) -> Output {
    let mut command = python();
    command.arg(workspace().join("tests/reference/read_nessus.py")).args(arguments);
    Output::of(command)
}

/// What the two agree on, or where they differ.
fn compare(home: &Home, file: &Path) -> Result<String, String> {
    let ours = report(home, file);
    if ours.code == Some(0) {
        let lines = home.path().join("lines.jsonl");
        fs::write(&lines, ours.stdout).unwrap();
        let compared = reference(&[file, &lines]);
        return match compared.code {
            Some(0) => Ok(compared.stdout),
            _ => Err(compared.stdout + &compared.stderr),
        };
    }
    // A report that is refused may hold nothing that the reference reads.
    let theirs = reference(&[file]);
    match (theirs.stdout.is_empty(), ours.stderr.lines().count()) {
        (true, 1) => Ok(ours.stderr),
        _ => Err(format!("{}but the reference read {} findings", ours.stderr, theirs.stdout.lines().count())),
    }
}

fn check_all(reports: Vec<PathBuf>) {
    assert!(!reports.is_empty(), "there are no reports");
    let home = Home::new(&[]);
    let mut differ = Vec::new();
    for file in reports {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match compare(&home, &file) {
            Ok(agreed) => println!("{name}: {}", agreed.trim()),
            Err(differences) => differ.push(format!("{name}: {}", differences.trim())),
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn fixtures_are_read_as_the_reference_reads_them() {
    check_all(fixtures());
}

/// Of a folder that the environment names, or else again the fixtures: reports that may not be part of this repository.
#[test]
fn further_reports_are_read_as_the_reference_reads_them() {
    check_all(env::var_os("SCANHOST_REPORTS").map_or_else(fixtures, |folder| files(Path::new(&folder))));
}

#[test]
fn every_fixture_is_read_without_an_error() {
    let home = Home::new(&[]);
    for file in fixtures() {
        let ended = report(&home, &file);
        assert_eq!(ended.code, Some(0), "{}: {}", file.display(), ended.stderr);
    }
}

#[test]
fn the_reference_sees_a_difference() {
    let home = Home::new(&[]);
    let file = workspace().join("tests/fixtures/several_hosts.nessus");
    let lines = home.path().join("lines.jsonl");
    let changed = report(&home, &file).stdout.replacen("\"port\":443", "\"port\":444", 1);
    fs::write(&lines, changed).unwrap();
    let compared = reference(&[&file, &lines]);
    assert_eq!(compared.code, Some(1), "{}", compared.stderr);
    assert_eq!(compared.stdout, "finding 0, port: 443 against 444\n");
}
