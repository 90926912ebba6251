//! `report` on files that are not reports, or that are damaged.

use std::fs;

use scanhost_it::server::Home;

use crate::run;

const WHOLE: &str = "<?xml version=\"1.0\" ?>\n<NessusClientData_v2><Report name=\"r\"><ReportHost name=\"h\">\
    <ReportItem port=\"0\" svc_name=\"general\" protocol=\"tcp\" severity=\"1\" pluginID=\"1\" pluginName=\"n\" \
    pluginFamily=\"f\"><synopsis>s</synopsis></ReportItem></ReportHost></Report></NessusClientData_v2>\n";

const BOMB: &str = "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\
    <NessusClientData_v2><Report name=\"&b;\"></Report></NessusClientData_v2>";

/// Checks that the command fails with one line on standard error, which names the file, and returns that line.
fn check_error(name: &str, bytes: &[u8]) -> String {
    let home = Home::new(&[]);
    fs::write(home.path().join("broken.nessus"), bytes).expect("a file can be written");
    let output = run(&home, &["report", "broken.nessus"]);
    assert_eq!(output.code, Some(1), "{name}: {}", output.stdout);
    assert_eq!(output.stdout, "", "{name}");
    assert_eq!(output.stderr.lines().count(), 1, "{name}: {}", output.stderr);
    assert!(output.stderr.starts_with("scanhost: broken.nessus: "), "{name}: {}", output.stderr);
    output.stderr
}

#[test]
fn complete_report_is_read() {
    let home = Home::new(&[]);
    fs::write(home.path().join("whole.nessus"), WHOLE).expect("a file can be written");
    let output = run(&home, &["report", "whole.nessus"]);
    assert_eq!((output.code, output.records().len()), (Some(0), 1), "{}", output.stderr);
    assert_eq!(output.stderr, "");
}

#[test]
fn error_says_that_the_backend_was_guessed() {
    let home = Home::new(&[]);
    fs::write(home.path().join("feed.csv"), "10.0.0.5,22,High,Old\n").expect("a file can be written");
    let guess = "(read as nessus; see --backend)";
    assert!(run(&home, &["report", "feed.csv"]).stderr.contains(guess));
    assert!(!run(&home, &["report", "feed.csv", "--backend", "nessus"]).stderr.contains(guess));
}

#[test]
fn damaged_report_gives_one_line_with_the_offset() {
    let table: [(&str, Vec<u8>, &str); 11] = [
        ("empty", Vec::new(), "byte 0"),
        ("blank", b" \n\n".to_vec(), "byte"),
        ("not XML", b"port,host\n22,alpha\n".to_vec(), "byte 0"),
        ("an image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "byte 0"),
        ("Nessus v1", b"<?xml version=\"1.0\"?><NessusClientData><Report/></NessusClientData>".to_vec(), "v1"),
        ("another document", b"<html><body/></html>".to_vec(), "byte 0"),
        ("an entity bomb", BOMB.as_bytes().to_vec(), "entity"),
        (
            "crossed tags",
            WHOLE.replace("</ReportItem></ReportHost>", "</ReportHost></ReportItem>").into_bytes(),
            "byte",
        ),
        ("an unknown encoding", WHOLE.replace("\"1.0\" ?", "\"1.0\" encoding=\"ebcdic-9\"?").into_bytes(), "byte"),
        ("a lone ampersand in a tag", WHOLE.replace("pluginFamily=\"f\"", "pluginFamily=").into_bytes(), "byte"),
        ("more after the end", format!("{WHOLE}<Report/>").into_bytes(), "byte"),
    ];
    for (name, bytes, expected) in table {
        let line = check_error(name, &bytes);
        assert!(line.contains(expected) && line.contains("at byte "), "{name}: {line}");
    }
}

#[test]
fn truncated_report_gives_the_offset() {
    for marker in
        ["<Report ", "port=", "<synopsis>s", "</ReportItem>", "</ReportHost>", "</Report>", "ClientData_v2>\n"]
    {
        let end = WHOLE.find(marker).expect("the report contains it") + 1;
        let line = check_error(marker, &WHOLE.as_bytes()[..end]);
        assert!(line.contains("at byte "), "cut in {marker}: {line}");
    }
}

#[test]
fn invalid_bytes_of_the_encoding_are_an_error_with_their_offset() {
    let mut bytes = WHOLE.replace("<synopsis>s", "<synopsis>caf#").into_bytes();
    let position = bytes.iter().position(|byte| *byte == b'#').expect("the report contains it");
    bytes[position] = 0xe9;
    let line = check_error("Latin-1 that says it is UTF-8", &bytes);
    assert!(line.contains(&format!("byte {position}")), "{line}");
}

#[test]
fn unreadable_file_is_named_in_the_error() {
    let home = Home::new(&[]);
    for name in ["missing.nessus", "config"] {
        let output = run(&home, &["report", name]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{name}");
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
        assert!(output.stderr.contains(name), "{}", output.stderr);
    }
}

#[test]
fn invalid_options_exit_with_1_and_name_valid_ones() {
    let home = Home::new(&[]);
    fs::write(home.path().join("whole.nessus"), WHOLE).expect("a file can be written");
    let table: [(&[&str], &str); 5] = [
        (&["--fields", "hots"], "host"),
        (&["--profile", "nosuch"], "minimal"),
        (&["--filter", "severty=High"], "severity"),
        (&["--filter", "severity="], "severity"),
        (&["--backend", "nosuch"], "nessus"),
    ];
    for (options, expected) in table {
        let output = run(&home, &[&["report", "whole.nessus"], options].concat());
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{options:?}");
        assert!(output.stderr.contains(expected), "{options:?}: {}", output.stderr);
    }
}
