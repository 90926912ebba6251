//! Random queries about random reports. Every line of every answer has to equal the line that the reference computes
//! from the same report: an independent implementation of filters, pages and profiles, in Python.
//!
//! `SCANHOST_ROUNDS` sets the number of rounds, and `SCANHOST_SEED` the first seed. A failure names its report.

use std::{env, fs};

use fake_nessus::{ApiKeys, FakeNessus, Reports, Settings};
use scanhost_it::{
    output::Output,
    program::{compiled_plugins, scanhost, workspace},
    server::Home,
    testbed::{instant_scans, nessus_scanners_yaml},
    third_party::python,
};

/// The default number of rounds. Each round takes some seconds, so that one run of Python stays well within its bound.
const ROUNDS: u64 = 1;
const REPORTS: u64 = 12;
const QUERIES: u64 = 30;

/// Limits so high that no answer is truncated, since the reference does not know where the host truncates.
const LIMITS: &str =
    "limits: {poll_seconds: 0.05, page_bytes: 100000000, all_bytes: 100000000, calls_per_minute: 1000000}\n";

fn environment_number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_queries_get_the_answers_of_the_reference() {
    let reference = workspace().join("tests/reference");
    let profiles = fs::read_to_string(reference.join("profiles.json")).expect("the profiles can be read");
    let home = Home::new(&[("scanhost.yaml", LIMITS), ("profiles.yaml", &profiles)]);
    let folder = home.path().join("reports");
    fs::create_dir(&folder).expect("a folder can be made");
    let scanner =
        FakeNessus::start(Settings { reports: Reports::Folder(folder.clone()), ..instant_scans(Vec::new()) }).await;
    let ApiKeys { access, secret } = ApiKeys::default();
    home.write(
        "scanners.yaml",
        &nessus_scanners_yaml(&scanner.url(), &format!("{{access_key: {access}, secret_key: {secret}}}")),
    );
    let server = home.start();

    let (first_seed, rounds) =
        (environment_number("SCANHOST_SEED").unwrap_or(1), environment_number("SCANHOST_ROUNDS").unwrap_or(ROUNDS));
    for round in 0..rounds {
        let mut command = python();
        command.arg("-B").arg(reference.join("agree.py")).arg(server.url()).arg(&folder);
        command.arg("--program").arg(scanhost()).arg("--config").arg(home.config());
        for (option, value) in
            [("--seed", first_seed + round * REPORTS), ("--reports", REPORTS), ("--questions", QUERIES)]
        {
            command.args([option, &value.to_string()]);
        }
        command.env("XDG_CACHE_HOME", compiled_plugins());
        let output = tokio::task::block_in_place(|| Output::run(command));
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
        println!("{}", output.stdout.trim());
    }
}
