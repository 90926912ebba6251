//! `scanhost report`: the same lines from a file.

use scanhost_it::{output::Output, program::compiled_plugins, server::Home};
use serde_json::{Value, json};

use crate::reported::{REPORT, Reported, ids};

fn report(home: &Home, options: &[&str]) -> Output {
    std::fs::write(home.path().join("known.nessus"), REPORT).expect("a file can be written");
    let mut command = home.command(&["report", "known.nessus"]);
    command.args(options).env("XDG_CACHE_HOME", compiled_plugins());
    let output = Output::of(command);
    assert_eq!(output.code, Some(0), "{options:?}: {}", output.stderr);
    output
}

#[tokio::test]
async fn a_file_reads_as_the_results_of_a_scan_but_for_the_scan() {
    let reported = Reported::new("").await;
    let output = report(&reported.home, &[]);
    assert!(output.stdout.ends_with("}\n"), "every line is ended");
    let of_file: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut of_scan = reported.lines(json!({})).await;
    for key in ["task_id", "scanner_pool", "scanner_instance", "started_at", "completed_at"] {
        of_scan[1][key] = Value::Null;
    }
    // A report has a name and, in its policy, targets; this one has only the name.
    of_scan[1]["scan_name"] = "weekly".into();
    of_scan[1]["targets"] = Value::Null;
    let as_text = |lines: &[Value]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (mut file, mut scan) = (as_text(&of_file), as_text(&of_scan));
    // What the plugin says of a login is its own matter: the scan knows that there was none.
    file.remove(1);
    scan.remove(1);
    assert_eq!(file, scan);
    for key in ["task_id", "targets", "scanner_pool", "scanner_instance", "started_at", "completed_at"] {
        assert!(of_file[1].get(key).is_some_and(Value::is_null), "{key} is null: {}", of_file[1]);
    }
    assert_eq!((&of_file[1]["scan_name"], &of_file[1]["hosts_scanned"]), (&json!("weekly"), &json!(3)));
}

#[test]
fn options_choose_fields_pages_and_profiles() {
    let home = Home::new(&[
        ("scanners.yaml", "mock: [{instance_id: m1}]"),
        ("profiles.yaml", "soc: {fields: [plugin_id], filters: {severity: '>=High'}, order: [-cvss_score, host]}"),
    ]);
    let shown = |options: &[&str]| {
        let lines: Vec<Value> =
            report(&home, options).stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        ids(&lines)
    };
    assert_eq!(shown(&[]), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shown(&["--page", "2"]), Vec::<u64>::new());
    assert_eq!(shown(&["--page", "0", "--page-size", "1"]), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shown(&["--fields", "host,plugin_id", "--filter", "host=alpha"]), [1, 2, 3]);
    let config = home.config().display().to_string();
    assert_eq!(shown(&["--config", &config, "--profile", "soc"]), [1, 6, 7, 2]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let home = Home::new(&[]);
    std::fs::write(home.path().join("known.nessus"), REPORT).expect("a file can be written");
    for format in ["jsonl", "csv", "table", "parquet"] {
        let mut command = home.command(&["report", "known.nessus", "--format", format]);
        command.env("XDG_CACHE_HOME", compiled_plugins()).env_remove("SCANHOST_LOG");
        // Nobody will ever read it.
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let ended = command.stdout(writer).stderr(std::process::Stdio::piped()).output().expect("it can be started");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{format}");
    }
}

#[test]
fn csv_quotes_what_needs_it_and_a_table_has_a_row_a_finding() {
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
fn who_gets_a_part_is_told_so() {
    let home = Home::new(&[]);
    let items = "<ReportItem pluginID='1'/>".repeat(23);
    let file = home.path().join("many.nessus").display().to_string();
    std::fs::write(&file, format!("<Report><ReportHost name='h'>{items}</ReportHost></Report>")).expect("a report");
    let told = |options: &[&str]| {
        let mut command = home.command(&["report", &file, "--page-size", "10"]);
        command.args(options).env("XDG_CACHE_HOME", compiled_plugins());
        let output = Output::of(command);
        assert_eq!(output.code, Some(0), "{options:?}: {}", output.stderr);
        (output.stdout.lines().last().unwrap_or_default().to_owned(), output.stderr)
    };
    let (part, none) = ("11 to 20 of 23 findings; --page 0 prints all", "none of 23 findings; --page 0 prints all");
    assert_eq!(told(&["--format", "table", "--page", "2"]).0, part);
    assert_eq!(told(&["--format", "table", "--page", "4"]).0, none);
    assert_eq!(told(&["--format", "csv", "--page", "2"]).1, format!("{part}\n"));
    assert_eq!(told(&["--format", "csv", "--page", "0"]).1, "");
    let empty = "<Report><ReportHost name='h'/></Report>";
    std::fs::write(&file, empty).expect("a report");
    assert_eq!(told(&["--format", "csv", "--profile", "full"]), (String::new(), String::new()));
    assert_eq!(told(&["--format", "table", "--profile", "full"]).0, "0 findings");
}
