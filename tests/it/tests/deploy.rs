//! The files for operators match the program: alerts, dashboard, systemd unit and configurations are valid, and the
//! runbook explains every alert and every error code.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{collections::BTreeSet, fs, process::Command};

use scanhost_domain::scan::FailureCode;
use scanhost_it::{
    output::Output,
    program::{scanhost, workspace},
    scrape::{Scrape, metric_family},
    server::Home,
};
use serde_json::{Value, json};

const ALERTS: &str = "prometheus/alerts.yaml";
const DASHBOARD: &str = "grafana/scanhost.json";

fn read_deployed(file: &str) -> String {
    fs::read_to_string(workspace().join("config/deploy").join(file)).unwrap()
}

fn read_runbook() -> String {
    fs::read_to_string(workspace().join("config/RUNBOOK.md")).unwrap()
}

/// Runs a tool that `tests/run` installs, which has to succeed.
fn check_with(tool: &str, arguments: &[&str]) {
    let mut command = Command::new(tool);
    let output = command.args(arguments).current_dir(workspace().join("config/deploy/prometheus")).output();
    let output = output.unwrap_or_else(|error| panic!("{tool}: {error}: run `bash tests/run`"));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {text}");
}

/// The names of our metrics that occur in this text.
fn metric_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("scanhost_") || word.starts_with("mcp_server_"));
    ours.map(|word| metric_family(word).to_owned()).collect()
}

async fn scrape_server() -> Scrape {
    let server = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]")]).start();
    let mcp = server.mcp();
    mcp.call_ok("list_pools", json!({})).await;
    Scrape::fetch(&mcp, server.url(), "none").await
}

#[test]
fn prometheus_accepts_the_alerts_and_they_fire() {
    check_with("promtool", &["check", "rules", "alerts.yaml"]);
    check_with("promtool", &["test", "rules", "alerts_test.yaml"]);
    check_with("promtool", &["check", "config", "--syntax-only", "prometheus.yaml"]);
}

#[tokio::test]
async fn every_named_metric_exists() {
    let scrape = scrape_server().await;
    for file in [ALERTS, DASHBOARD] {
        let named = metric_names(&read_deployed(file));
        assert!(named.len() > 8, "{file} names too few metrics: {named:?}");
        let missing: Vec<_> = named.difference(scrape.families()).collect();
        assert!(missing.is_empty(), "{file} names metrics that do not exist: {missing:?}");
    }
}

#[test]
fn every_dashboard_panel_has_a_query() {
    let dashboard: Value = serde_json::from_str(&read_deployed(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    for panel in panels {
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{}", panel["title"]);
    }
}

#[test]
fn runbook_explains_every_alert() {
    let (alerts, runbook) = (read_deployed(ALERTS), read_runbook());
    let alerts: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let sections: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("### Scanhost")).collect();
    let alerts: Vec<&str> = alerts.iter().map(|alert| alert.strip_prefix("Scanhost").unwrap()).collect();
    assert_eq!(sections, alerts, "the runbook has the alerts in the same order");
}

#[tokio::test]
async fn runbook_explains_every_error_code() {
    let (runbook, scrape) = (read_runbook(), scrape_server().await);
    let outcomes = scrape.labels("scanhost_tool_calls_total", "outcome");
    assert!(outcomes.len() > 8, "{outcomes:?}");
    let errors = outcomes.iter().map(String::as_str).filter(|outcome| *outcome != "ok");
    for code in errors.chain(FailureCode::ALL.map(FailureCode::name)) {
        assert!(runbook.contains(&format!("| `{code}` |")), "the runbook does not explain {code}");
    }
}

#[test]
fn systemd_accepts_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("scanhost.service");
    let text = read_deployed("systemd/scanhost.service");
    // systemd-analyze requires that the program exists.
    let ours = text.replace("/usr/local/bin/scanhost", scanhost().to_str().unwrap());
    assert_ne!(ours, text);
    fs::write(&unit, ours).unwrap();
    check_with("systemd-analyze", &["verify", "--man=no", unit.to_str().unwrap()]);
}

// The test puts the secrets into another folder than the containers.
#[test]
fn configurations_of_the_containers_load() {
    let secrets = tempfile::tempdir().unwrap();
    for name in ["scanhost_token", "nessus_access_key", "nessus_secret_key"] {
        fs::write(secrets.path().join(name), "a-secret-of-some-length").unwrap();
    }
    for stage in ["dev", "prod"] {
        let read = |file: &str| {
            let text = read_deployed(&format!("{stage}/{file}"));
            let secrets = secrets.path().to_str().unwrap();
            text.replace("/run/secrets", secrets).replace("data: /data", &format!("data: {secrets}/data"))
        };
        let home = Home::new(&[("scanhost.yaml", &read("scanhost.yaml")), ("scanners.yaml", &read("scanners.yaml"))]);
        let mut command = home.command(&["config", "check", "--config", "config"]);
        command.env("SCANHOST_TOKEN", "for-development").env("NESSUS_URL", "https://127.0.0.1:8834");
        command.env("REDIS_PASSWORD", "0123456789abcdef");
        let output = Output::run(command);
        assert_eq!(output.code, Some(0), "{stage}: {}", output.stderr);
    }
}

#[test]
fn commands_of_the_containers_exist() {
    let home = Home::new(&[]);
    let compose = read_deployed("compose.yaml");
    let commands = compose.lines().filter_map(|line| line.trim().strip_prefix("command: [serve"));
    let mut found = 0;
    for command in commands {
        let arguments = command.trim_end_matches(']').split(',').map(str::trim).filter(|word| !word.is_empty());
        let arguments: Vec<&str> = ["serve"].into_iter().chain(arguments).chain(["--help"]).collect();
        assert_eq!(Output::run(home.command(&arguments)).code, Some(0), "{arguments:?}");
        found += 1;
    }
    assert_eq!(found, 2, "an api and a worker");
}

/// The services of a compose file, each with its part of the text.
fn services(compose: &str) -> Vec<(&str, String)> {
    let (_, services) = compose.split_once("\nservices:\n").unwrap();
    let (services, _) = services.split_once("\nvolumes:\n").unwrap();
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in services.lines() {
        let name = line.strip_prefix("  ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
        match (name, found.last_mut()) {
            (Some(name), _) => found.push((name.trim_end_matches(':'), String::new())),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    found
}

#[test]
fn every_container_is_bounded_and_may_do_little() {
    for (file, expected) in [("compose.yaml", 3), ("compose.dev.yaml", 1)] {
        let compose = read_deployed(file);
        let common = compose.split_once("x-scanhost:").and_then(|(_, rest)| rest.split_once("\n\n"));
        let services = services(&compose);
        assert_eq!(services.len(), expected, "{file}: {services:?}");
        for (name, text) in services {
            let shared = if text.contains("<<: *scanhost") { common.unwrap().0 } else { "" };
            for setting in ["mem_limit:", "logging:", "read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"] {
                assert!(text.contains(setting) || shared.contains(setting), "{file}: {name} lacks {setting}");
            }
        }
        assert!(compose.contains("max-size:") && compose.contains("max-file:"), "{file} rotates no log");
    }
}

// A variable that may be missing would start a container with an empty secret or address.
#[test]
fn variables_of_production_have_to_be_set() {
    let compose = read_deployed("compose.yaml");
    let variables: BTreeSet<&str> =
        compose.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split("${").skip(1)).collect();
    assert!(variables.len() >= 3, "{variables:?}");
    for variable in variables {
        assert!(variable.split('}').next().unwrap().contains(":?"), "{variable}");
    }
    for file in ["scanhost.yaml", "scanners.yaml"] {
        let config = read_deployed(&format!("prod/{file}"));
        for name in config.split("${").skip(1).map(|rest| rest.split('}').next().unwrap()) {
            assert!(compose.contains(&format!("{name}: \"${{{name}:?")), "{file}: no container gets {name}");
        }
    }
}

#[test]
fn redis_has_a_password_and_loses_nothing() {
    let compose = read_deployed("compose.yaml");
    for setting in ["requirepass", "--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"] {
        assert!(compose.contains(setting), "Redis lacks {setting}");
    }
    assert!(read_deployed("prod/scanhost.yaml").contains("redis://:${REDIS_PASSWORD}@redis:"));
}

#[test]
fn image_runs_as_a_user_in_numbers() {
    let dockerfile = read_deployed("Dockerfile");
    let (_, image) = dockerfile.rsplit_once("FROM ").unwrap();
    let users: Vec<&str> = image.lines().filter_map(|line| line.strip_prefix("USER ")).collect();
    assert_eq!(users, ["10001:10001"]);
    assert!(image.contains("--gid 10001") && image.contains("--uid 10001"), "{image}");
}

#[test]
fn secrets_are_neither_in_git_nor_in_the_image() {
    let read_lines = |file: &str| -> Vec<String> {
        fs::read_to_string(workspace().join(file)).unwrap().lines().map(str::to_owned).collect()
    };
    let (git, docker) = (read_lines(".gitignore"), read_lines(".dockerignore"));
    for line in ["/config/deploy/secrets", ".env"] {
        assert!(git.iter().any(|ignored| ignored == line), ".gitignore lacks {line}");
    }
    for line in ["config", "**/.env", "data", ".git", "target"] {
        assert!(docker.iter().any(|ignored| ignored == line), ".dockerignore lacks {line}");
    }
}
