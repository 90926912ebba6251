//! What is handed to operators holds: alerts, dashboard, unit and configurations fit the program, and the runbook has a
//! word on everything that may happen.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{collections::BTreeSet, fs, process::Command};

use scanhost_domain::scan::FailureCode;
use scanhost_it::{
    output::Output,
    program::{scanhost, workspace},
    scrape::{Scrape, family},
    server::Home,
};
use serde_json::{Value, json};

const ALERTS: &str = "prometheus/alerts.yaml";
const DASHBOARD: &str = "grafana/scanhost.json";

fn deployed(file: &str) -> String {
    fs::read_to_string(workspace().join("config/deploy").join(file)).unwrap()
}

fn runbook() -> String {
    fs::read_to_string(workspace().join("config/RUNBOOK.md")).unwrap()
}

/// Runs a tool of Debian that `tests/run` installs.
fn check_with(tool: &str, arguments: &[&str]) {
    let mut command = Command::new(tool);
    let ran = command.args(arguments).current_dir(workspace().join("config/deploy/prometheus")).output();
    let ran = ran.unwrap_or_else(|error| panic!("{tool}: {error}: run `bash tests/run`"));
    let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{tool} {arguments:?}: {told}");
}

/// Names of metrics in this text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("scanhost_") || word.starts_with("mcp_server_"));
    ours.map(|word| family(word).to_owned()).collect()
}

async fn scraped() -> Scrape {
    let server = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]")]).start();
    let mcp = server.mcp();
    mcp.ok("list_pools", json!({})).await;
    Scrape::of(&mcp, server.url(), "none").await
}

#[test]
fn prometheus_takes_the_alerts_and_they_fire() {
    check_with("promtool", &["check", "rules", "alerts.yaml"]);
    check_with("promtool", &["test", "rules", "alerts_test.yaml"]);
    check_with("promtool", &["check", "config", "--syntax-only", "prometheus.yaml"]);
}

#[tokio::test]
async fn every_metric_that_is_named_exists() {
    let scrape = scraped().await;
    for file in [ALERTS, DASHBOARD] {
        let named = named(&deployed(file));
        assert!(named.len() > 8, "{file} names metrics: {named:?}");
        let missing: Vec<_> = named.difference(scrape.families()).collect();
        assert!(missing.is_empty(), "{file} names what nobody tells: {missing:?}");
    }
}

#[test]
fn the_dashboard_has_panels_with_queries() {
    let dashboard: Value = serde_json::from_str(&deployed(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    for panel in panels {
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{}", panel["title"]);
    }
}

#[test]
fn the_runbook_has_every_alert() {
    let (alerts, runbook) = (deployed(ALERTS), runbook());
    let alerts: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let sections: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("### Scanhost")).collect();
    let alerts: Vec<&str> = alerts.iter().map(|alert| alert.strip_prefix("Scanhost").unwrap()).collect();
    assert_eq!(sections, alerts, "in the same order");
}

#[tokio::test]
async fn the_runbook_has_every_code() {
    let (runbook, scrape) = (runbook(), scraped().await);
    let outcomes = scrape.labels("scanhost_tool_calls_total", "outcome");
    assert!(outcomes.len() > 8, "{outcomes:?}");
    let errors = outcomes.iter().map(String::as_str).filter(|outcome| *outcome != "ok");
    for code in errors.chain(FailureCode::ALL.map(FailureCode::name)) {
        assert!(runbook.contains(&format!("| `{code}` |")), "the runbook does not explain {code}");
    }
}

#[test]
fn systemd_takes_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("scanhost.service");
    let text = deployed("systemd/scanhost.service");
    // Only a program that is there may be named.
    let ours = text.replace("/usr/local/bin/scanhost", scanhost().to_str().unwrap());
    assert_ne!(ours, text);
    fs::write(&unit, ours).unwrap();
    check_with("systemd-analyze", &["verify", "--man=no", unit.to_str().unwrap()]);
}

/// The configurations of the containers, but for where their secrets are.
#[test]
fn the_containers_have_configurations_that_load() {
    let secrets = tempfile::tempdir().unwrap();
    for name in ["scanhost_token", "nessus_access_key", "nessus_secret_key"] {
        fs::write(secrets.path().join(name), "a-secret-of-some-length").unwrap();
    }
    for stage in ["dev", "prod"] {
        let read =
            |file: &str| deployed(&format!("{stage}/{file}")).replace("/run/secrets", secrets.path().to_str().unwrap());
        let home = Home::new(&[("scanhost.yaml", &read("scanhost.yaml")), ("scanners.yaml", &read("scanners.yaml"))]);
        let mut command = home.command(&["config", "check", "--config", "config"]);
        command.env("SCANHOST_TOKEN", "for-development").env("NESSUS_URL", "https://127.0.0.1:8834");
        let ended = Output::of(command);
        assert_eq!(ended.code, Some(0), "{stage}: {}", ended.stderr);
    }
}

#[test]
fn the_containers_run_commands_that_exist() {
    let home = Home::new(&[]);
    let compose = deployed("compose.yaml");
    let commands = compose.lines().filter_map(|line| line.trim().strip_prefix("command: [serve"));
    let mut found = 0;
    for command in commands {
        let arguments = command.trim_end_matches(']').split(',').map(str::trim).filter(|word| !word.is_empty());
        let arguments: Vec<&str> = ["serve"].into_iter().chain(arguments).chain(["--help"]).collect();
        assert_eq!(Output::of(home.command(&arguments)).code, Some(0), "{arguments:?}");
        found += 1;
    }
    assert_eq!(found, 2, "an api and a worker");
}
