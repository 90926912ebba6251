//! Parquet for analysts: pyarrow reads it with the types and values of the report.

use std::{fs, process::Stdio};

use scanhost_it::{
    installed::python,
    output::Output,
    program::{compiled_plugins, scanhost, workspace},
    server::Home,
};

use crate::scanned::{reference, reports, three};

/// Standard output of the command, which is no text, goes to a file.
fn write(home: &Home, name: &str, arguments: &[&str]) -> std::path::PathBuf {
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
    for name in three() {
        let report = reports().join(&name);
        let path = report.display().to_string();
        let arguments = ["report", &path, "--profile", "full", "--page", "0", "--format", "parquet"];
        let file = write(&home, "findings.parquet", &arguments);
        let checked = reference("check_parquet.py", &[file, report]);
        assert_eq!(checked.code, Some(0), "{name}: {}{}", checked.stdout, checked.stderr);
        println!("{name}: {}", checked.stdout.trim());
    }
}

#[test]
fn a_severity_can_be_ordered_by_its_number() {
    let home = Home::new(&[]);
    let report = workspace().join("tests/fixtures/several_hosts.nessus").display().to_string();
    let file =
        write(&home, "brief.parquet", &["report", &report, "--format", "parquet", "--fields", "host,severity,cve"]);
    let script = "import sys; from pyarrow import parquet; table = parquet.read_table(sys.argv[1])
names = ['Info', 'Low', 'Medium', 'High', 'Critical']
assert table.column_names == ['host', 'severity', 'severity_id', 'cve'], table.column_names
assert all(names[row['severity_id']] == row['severity'] for row in table.to_pylist())
print(table.num_rows)";
    let mut command = python();
    command.args(["-c", script]).arg(file);
    let read = Output::of(command);
    assert_eq!((read.code, read.stdout.as_str()), (Some(0), "9\n"), "{}", read.stderr);
}

#[test]
fn a_terminal_gets_no_parquet() {
    let home = Home::new(&[]);
    let report = workspace().join("tests/fixtures/several_hosts.nessus").display().to_string();
    let script = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut command = python();
    command.args(["-c", script]).arg(scanhost()).args(["report", &report, "--format", "parquet"]);
    command.current_dir(home.path());
    let told = Output::of(command);
    assert_eq!(told.code, Some(1), "{}", told.stdout);
    assert!(told.stdout.contains("send it to a file"), "{}", told.stdout);
}
