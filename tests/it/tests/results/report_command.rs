//! `scanhost report`: it prints the same lines from a file as `get_scan_results` does from a scan.

use scanhost_it::{output::Output, program::compiled_plugins, server::Home};
use serde_json::{Value, json};

use crate::completed_scan::{CompletedScan, REPORT, plugin_ids};

fn report(home: &Home, options: &[&str]) -> Output {
    std::fs::write(home.path().join("known.nessus"), REPORT).expect("a file can be written");
    let mut command = home.command(&["report", "known.nessus"]);
    command.args(options).env("XDG_CACHE_HOME", compiled_plugins());
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{options:?}: {}", output.stderr);
    output
}

#[tokio::test]
async fn report_file_gives_the_lines_of_a_scan() {
    let scan = CompletedScan::with_profiles("").await;
    let output = report(&scan.home, &[]);
    assert!(output.stdout.ends_with("}\n"), "every line ends with a newline");
    let file_lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut scan_lines = scan.lines(json!({})).await;
    for key in ["task_id", "scanner_pool", "scanner_instance", "started_at", "completed_at"] {
        scan_lines[1][key] = Value::Null;
    }
    // The name and targets come from the report, and this one has no targets.
    scan_lines[1]["scan_name"] = "weekly".into();
    scan_lines[1]["targets"] = Value::Null;
    let as_text = |lines: &[Value]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (mut file, mut scan) = (as_text(&file_lines), as_text(&scan_lines));
    // The metadata differs in the authentication status, since only the scan knows that it had no credentials.
    file.remove(1);
    scan.remove(1);
    assert_eq!(file, scan);
    for key in ["task_id", "targets", "scanner_pool", "scanner_instance", "started_at", "completed_at"] {
        assert!(file_lines[1].get(key).is_some_and(Value::is_null), "{key} is null: {}", file_lines[1]);
    }
    assert_eq!((&file_lines[1]["scan_name"], &file_lines[1]["hosts_scanned"]), (&json!("weekly"), &json!(3)));
}

#[test]
fn options_choose_fields_pages_and_profiles() {
    let home = Home::new(&[
        ("scanners.yaml", "mock: [{instance_id: m1}]"),
        ("profiles.yaml", "soc: {fields: [plugin_id], filters: {severity: '>=High'}, order: [-cvss_score, host]}"),
    ]);
    let shown_ids = |options: &[&str]| {
        let lines: Vec<Value> =
            report(&home, options).stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        plugin_ids(&lines)
    };
    assert_eq!(shown_ids(&[]), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shown_ids(&["--page", "2"]), Vec::<u64>::new());
    assert_eq!(shown_ids(&["--page", "0", "--page-size", "1"]), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shown_ids(&["--fields", "host,plugin_id", "--filter", "host=alpha"]), [1, 2, 3]);
    let config = home.config().display().to_string();
    assert_eq!(shown_ids(&["--config", &config, "--profile", "soc"]), [1, 6, 7, 2]);
}

#[test]
fn closed_pipe_is_no_error() {
    let home = Home::new(&[]);
    std::fs::write(home.path().join("known.nessus"), REPORT).expect("a file can be written");
    for format in ["jsonl", "csv", "table", "parquet"] {
        let mut command = home.command(&["report", "known.nessus", "--format", format]);
        command.env("XDG_CACHE_HOME", compiled_plugins()).env_remove("SCANHOST_LOG");
        // The reading end of the pipe is closed before the command starts.
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let output =
            command.stdout(writer).stderr(std::process::Stdio::piped()).output().expect("the program can be started");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}

#[test]
fn csv_quotes_lists_and_table_has_one_row_per_finding() {
    let home = Home::new(&[]);
    let csv = report(&home, &["--fields", "plugin_id,cve,exploit_available", "--format", "csv"]).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[..3],
        ["plugin_id,cve,exploit_available", "1,\"CVE-2021-44228, CVE-2021-45046\",true", "2,CVE-2016-0777,false"]
    );
    assert_eq!(lines.len(), 1 + 7);
    let table = report(&home, &["--fields", "plugin_id,plugin_name", "--format", "table"]).stdout;
    for text in ["plugin_name", "Apache Log4j RCE", "PHP Unsupported"] {
        assert!(table.contains(text), "{table}");
    }
    assert!(table.ends_with("\n7 findings\n"), "{table}");
}

#[test]
fn partial_output_says_which_findings_it_has() {
    let home = Home::new(&[]);
    let items = "<ReportItem pluginID='1'/>".repeat(23);
    let file = home.path().join("many.nessus").display().to_string();
    std::fs::write(&file, format!("<Report><ReportHost name='h'>{items}</ReportHost></Report>")).expect("a report");
    let last_line_and_errors = |options: &[&str]| {
        let mut command = home.command(&["report", &file, "--page-size", "10"]);
        command.args(options).env("XDG_CACHE_HOME", compiled_plugins());
        let output = Output::run(command);
        assert_eq!(output.code, Some(0), "{options:?}: {}", output.stderr);
        (output.stdout.lines().last().unwrap_or_default().to_owned(), output.stderr)
    };
    let (part, none) = ("11 to 20 of 23 findings; --page 0 prints all", "none of 23 findings; --page 0 prints all");
    assert_eq!(last_line_and_errors(&["--format", "table", "--page", "2"]).0, part);
    assert_eq!(last_line_and_errors(&["--format", "table", "--page", "4"]).0, none);
    assert_eq!(last_line_and_errors(&["--format", "csv", "--page", "2"]).1, format!("{part}\n"));
    assert_eq!(last_line_and_errors(&["--format", "csv", "--page", "0"]).1, "");
    let empty = "<Report><ReportHost name='h'/></Report>";
    std::fs::write(&file, empty).expect("a report");
    assert_eq!(last_line_and_errors(&["--format", "csv", "--profile", "full"]), (String::new(), String::new()));
    assert_eq!(last_line_and_errors(&["--format", "table", "--profile", "full"]).0, "0 findings");
}
