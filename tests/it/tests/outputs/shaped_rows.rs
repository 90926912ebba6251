//! Rows that a profile plugin shapes: they are the same in every output format, and have only the fields that the
//! plugin declares.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use scanhost_it::{
    guests::FORGER,
    output::Output,
    program::{compiled_plugins, workspace},
    scans::submit,
    server::Home,
    third_party::python,
};
use serde_json::{Value, json};

use crate::reference_host::run;

/// A home with the profile `forger`, whose plugin answers every row with this text.
fn home(row: &str) -> Home {
    let home = Home::new(&[
        ("scanners.yaml", "mock: [{instance_id: m1, options: {duration_seconds: 0}}]"),
        ("scanhost.yaml", "limits: {poll_seconds: 0.1}\nplugins: {forger: {file: forger.wasm}}\n"),
        ("profiles.yaml", &format!("forger: {{row: {}}}\n", json!(row))),
    ]);
    fs::write(home.config().join("forger.wasm"), FORGER).expect("a file can be written");
    home
}

fn report_arguments(home: &Home, format: &str) -> Vec<String> {
    let file = workspace().join("tests/fixtures/several_hosts.nessus").display().to_string();
    let config = home.config().display().to_string();
    ["report", &file, "--profile", "forger", "--page-size", "10", "--format", format, "--config", &config]
        .map(str::to_owned)
        .into()
}

fn run_report(home: &Home, format: &str) -> Output {
    run(home, &report_arguments(home, format).iter().map(String::as_str).collect::<Vec<_>>())
}

const FORGED: &str = r#"{"risk":7,"type":"schema","host":"=shaped","secret":"x","severity":"Low"}"#;

#[test]
fn every_format_has_the_shaped_rows_and_nothing_forged() {
    let home = home(FORGED);
    let lines = run_report(&home, "jsonl");
    assert_eq!(lines.code, Some(0), "{}", lines.stderr);
    let lines: Vec<&str> = lines.stdout.lines().collect();
    let schema: Value = serde_json::from_str(lines[0]).expect("JSON");
    assert_eq!(schema["fields"], json!(["host", "severity", "risk"]), "the schema has the derived field of the plugin");
    assert_eq!(schema["field_types"]["risk"], "integer");
    assert_eq!(lines.len(), 3 + 9);
    for line in &lines[2..11] {
        assert_eq!(*line, r#"{"type":"vulnerability","host":"=shaped","severity":"Low","risk":7}"#);
    }
    let csv = run_report(&home, "csv");
    assert_eq!((csv.code, csv.stdout), (Some(0), format!("host,severity,risk\n{}", "'=shaped,Low,7\n".repeat(9))));
    let table = run_report(&home, "table").stdout;
    assert_eq!(table.matches("=shaped").count(), 9, "{table}");
    let parquet = home.path().join("shaped.parquet");
    let mut command = home.command(&report_arguments(&home, "parquet").iter().map(String::as_str).collect::<Vec<_>>());
    command.env("XDG_CACHE_HOME", compiled_plugins()).stdin(Stdio::null());
    let status = command.stdout(fs::File::create(&parquet).expect("a file can be made")).status();
    assert!(status.expect("the program can be started").success());
    assert_eq!(parquet_rows(&parquet), r#"[{"host": "=shaped", "severity": "Low", "severity_id": 1, "risk": 7}] 9"#);
}

/// The distinct rows of a Parquet file, and the number of all rows.
fn parquet_rows(file: &PathBuf) -> String {
    let script = "import json, sys; from pyarrow import parquet; rows = parquet.read_table(sys.argv[1]).to_pylist()
print(json.dumps([row for i, row in enumerate(rows) if row not in rows[:i]]), len(rows))";
    let mut command = python();
    command.args(["-c", script]).arg(file);
    Output::run(command).stdout.trim().to_owned()
}

#[test]
fn malformed_row_is_rejected_in_every_format() {
    let home = home("{}\n{\"type\":\"vulnerability\",\"host\":\"forged\"}");
    for format in ["jsonl", "csv", "table", "parquet"] {
        let output = run_report(&home, format);
        assert_eq!(output.code, Some(1), "{format}: {}", output.stdout);
        assert!(!output.stdout.contains("forged"), "{format}: {}", output.stdout);
        for expected in ["`forger`", "broke the contract", "row 1 of 9 is not a JSON object"] {
            assert!(output.stderr.contains(expected), "{format}: {}", output.stderr);
        }
    }
}

#[test]
fn value_of_the_wrong_type_is_refused_in_parquet() {
    let home = home(r#"{"risk":"grave"}"#);
    assert!(run_report(&home, "jsonl").stdout.contains(r#"{"type":"vulnerability","risk":"grave"}"#));
    let output = run_report(&home, "parquet");
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("`risk`"), "{}", output.stderr);
}

#[tokio::test]
async fn failed_plugin_is_named_to_the_agent_without_partial_results() {
    let home = home("{");
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp, json!({})).await;
    mcp.wait_for_end(&id, Duration::from_secs(60)).await;
    let arguments = json!({ "task_id": id, "schema_profile": "forger" });
    let (code, message, hint) = mcp.call_refused("get_scan_results", arguments).await;
    assert_eq!(code, "internal");
    assert!(message.contains("`forger`") && message.contains("row 1 of"), "{message}");
    assert!(hint.contains("schema_profile"), "{hint}");
    let metrics = mcp.http().get(format!("{}/metrics", server.url())).send().await.expect("the server answers");
    let metrics = metrics.text().await.expect("text");
    let fault = r#"scanhost_plugin_calls_total{function="shape",outcome="contract",plugin="forger"} 1"#;
    assert!(metrics.lines().any(|line| line == fault), "{metrics}");
}
