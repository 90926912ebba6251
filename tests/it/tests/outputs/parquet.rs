//! Parquet for analysts: pyarrow reads it with the types and values of the report.

use std::{fs, process::Stdio};

use scanhost_it::{
    output::Output,
    program::{compiled_plugins, scanhost, workspace},
    server::Home,
    third_party::python,
};

use crate::reference_host::{reports_folder, run_reference, three_reports};

/// Runs a command, and writes its binary standard output to a file.
fn run_to_file(home: &Home, name: &str, arguments: &[&str]) -> std::path::PathBuf {
    let file = home.path().join(name);
    let mut command = home.command(arguments);
    command.env("XDG_CACHE_HOME", compiled_plugins()).stdin(Stdio::null());
    let status = command.stdout(fs::File::create(&file).expect("a file can be made")).status();
    assert!(status.expect("the program can be started").success(), "{arguments:?}");
    file
}

#[test]
fn pyarrow_reads_the_findings_with_their_types() {
    let home = Home::new(&[]);
    for name in three_reports() {
        let report = reports_folder().join(&name);
        let path = report.display().to_string();
        let arguments = ["report", &path, "--profile", "full", "--page", "0", "--format", "parquet"];
        let file = run_to_file(&home, "findings.parquet", &arguments);
        let output = run_reference("check_parquet.py", &[file, report]);
        assert_eq!(output.code, Some(0), "{name}: {}{}", output.stdout, output.stderr);
        println!("{name}: {}", output.stdout.trim());
    }
}

#[test]
fn severity_has_a_column_with_its_number() {
    let home = Home::new(&[]);
    let report = workspace().join("tests/fixtures/several_hosts.nessus").display().to_string();
    let file = run_to_file(
        &home,
        "brief.parquet",
        &["report", &report, "--format", "parquet", "--fields", "host,severity,cve"],
    );
    let script = "import sys; from pyarrow import parquet; table = parquet.read_table(sys.argv[1])
names = ['Info', 'Low', 'Medium', 'High', 'Critical']
assert table.column_names == ['host', 'severity', 'severity_id', 'cve'], table.column_names
assert all(names[row['severity_id']] == row['severity'] for row in table.to_pylist())
print(table.num_rows)";
    let mut command = python();
    command.args(["-c", script]).arg(file);
    let output = Output::run(command);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "9\n"), "{}", output.stderr);
}

#[test]
fn parquet_is_not_written_to_a_terminal() {
    let home = Home::new(&[]);
    let report = workspace().join("tests/fixtures/several_hosts.nessus").display().to_string();
    let script = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut command = python();
    command.args(["-c", script]).arg(scanhost()).args(["report", &report, "--format", "parquet"]);
    command.current_dir(home.path());
    let output = Output::run(command);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    assert!(output.stdout.contains("write it to a file"), "{}", output.stdout);
}
