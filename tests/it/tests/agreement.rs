//! Random questions about random reports: every line of every answer equals what an independent implementation of the
//! contract in Python, plain and slow, makes of the same report.
//!
//! `SCANHOST_ROUNDS` asks for more than the usual ones, and `SCANHOST_SEED` for others; a failure names its report.

use std::{env, fs};

use fake_nessus::{ApiKeys, FakeNessus, Reports, Settings};
use scanhost_it::{
    installed::python,
    lab::{instant, scanners},
    output::Output,
    program::{compiled_plugins, scanhost, workspace},
    server::Home,
};

/// Each is some seconds of questions, to keep one run of Python well within its bound.
const ROUNDS: u64 = 1;
const REPORTS: u64 = 12;
const QUESTIONS: u64 = 30;

/// An answer is never cut, since where that happens is not the reference's to know.
const LIMITS: &str =
    "limits: {poll_seconds: 0.05, page_bytes: 100000000, all_bytes: 100000000, calls_per_minute: 1000000}\n";

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_questions_are_answered_as_the_reference_answers_them() {
    let reference = workspace().join("tests/reference");
    let profiles = fs::read_to_string(reference.join("profiles.json")).expect("the profiles can be read");
    let home = Home::new(&[("scanhost.yaml", LIMITS), ("profiles.yaml", &profiles)]);
    let folder = home.path().join("reports");
    fs::create_dir(&folder).expect("a folder can be made");
    let scanner = FakeNessus::start(Settings { reports: Reports::Folder(folder.clone()), ..instant(Vec::new()) }).await;
    let ApiKeys { access, secret } = ApiKeys::default();
    home.write("scanners.yaml", &scanners(&scanner.url(), &format!("{{access_key: {access}, secret_key: {secret}}}")));
    let server = home.start();

    let (first, rounds) = (number("SCANHOST_SEED").unwrap_or(1), number("SCANHOST_ROUNDS").unwrap_or(ROUNDS));
    for round in 0..rounds {
        let mut command = python();
        command.arg("-B").arg(reference.join("agree.py")).arg(server.url()).arg(&folder);
        command.arg("--program").arg(scanhost()).arg("--config").arg(home.config());
        for (option, value) in [("--seed", first + round * REPORTS), ("--reports", REPORTS), ("--questions", QUESTIONS)]
        {
            command.args([option, &value.to_string()]);
        }
        command.env("XDG_CACHE_HOME", compiled_plugins());
        let ended = tokio::task::block_in_place(|| Output::of(command));
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        println!("{}", ended.stdout.trim());
    }
}
