//! The help texts, and the errors of wrong usage.

use scanhost_it::server::Home;

use crate::run;

const COMMANDS: [&[&str]; 7] = [&[], &["serve"], &["stdio"], &["scan"], &["report"], &["config"], &["config", "check"]];

#[test]
fn every_command_has_help() {
    let home = Home::new(&[]);
    for command in COMMANDS {
        let output = run(&home, &[command, &["--help"]].concat());
        assert_eq!(output.code, Some(0), "{command:?}");
        assert!(output.stdout.contains("Usage: scanhost"), "{command:?}: {}", output.stdout);
        assert_eq!(output.stderr, "", "{command:?}");
    }
    let help = run(&home, &["--help"]).stdout;
    for name in ["serve", "stdio", "scan", "report", "config"] {
        assert!(help.contains(name), "{name}: {help}");
    }
    let help = run(&home, &["scan", "--help"]).stdout;
    assert!(help.contains("Ctrl-C cancels the scan"), "{help}");
    let version = run(&home, &["--version"]);
    assert_eq!((version.code, version.stdout.split(' ').next()), (Some(0), Some("scanhost")));
}

#[test]
fn wrong_usage_exits_with_2() {
    let home = Home::new(&[]);
    let table: [&[&str]; 18] = [
        &["nosuch"],
        &["--nosuch"],
        &["serve", "--nosuch"],
        &["serve", "--listen", "nowhere"],
        &["serve", "more"],
        &["stdio", "--listen", "nowhere"],
        &["scan"],
        &["scan", "--targets", "10.0.0.1", "--format", "xml"],
        &["scan", "--targets", "10.0.0.1", "--filter", "severity"],
        &["report"],
        &["report", "file", "--page", "one"],
        &["report", "file", "--fields", "host", "--profile", "brief"],
        &["report", "file", "--filter", "severity"],
        &["config"],
        &["report", "file", "--page", "-1"],
        &["compare", "file", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        &["token", "new", "", "--scopes", "scan:read"],
        &["token", "new", "a\nb", "--scopes", "scan:read"],
    ];
    for arguments in table {
        let output = run(&home, arguments);
        assert_eq!(output.code, Some(2), "{arguments:?}: {}", output.stderr);
        assert_eq!(output.stdout, "", "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
