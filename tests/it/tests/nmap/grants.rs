//! Nothing runs that the operator did not grant, by name.

use std::fs;

use scanhost_it::{
    guests::NMAP,
    lab::{POLL, SCAN_TIME},
    output::Output,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::means::{ALLOW, EMPTY_REPORT, bin, home, processes, submit};

const SCANNERS: &str = "nmap: [{instance_id: nmap1}]\nmock: [{instance_id: mock1}]\n";

fn check(home: &Home) -> Output {
    let mut command = home.command(&["config", "check", "--config"]);
    command.arg(home.config());
    Output::of(command)
}

async fn ended(home: &Home) -> Value {
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    mcp.ended(&id, SCAN_TIME).await
}

/// The host does not even start, as with everything that its configuration lacks.
#[test]
fn without_a_command_in_the_configuration_nothing_runs() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", POLL)]);
    let output = check(&home);
    assert!(output.code == Some(1) && output.stderr.contains("`commands` in scanhost.yaml"), "{output:?}");
    let Err(log) = Server::try_start(home.serving()) else { panic!("the host started") };
    assert!(log.contains("scanners.yaml:1") && log.contains("`commands` in scanhost.yaml"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_argument_that_no_pattern_permits_is_refused_with_its_key() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    let yaml = fs::read_to_string(home.config().join("scanhost.yaml")).expect("the file is there");
    home.write("scanhost.yaml", &yaml.replace(r#""--script=*", "#, ""));
    let status = ended(&home).await;
    let message = status["error"]["message"].as_str().expect("a message");
    assert!(message.contains("commands.nmap.allow") && message.contains("--script=default"), "{status}");
    assert!(processes(&home).is_empty());
}

/// The very component that comes with scanhost, as somebody else's plugin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_needs_the_grant_and_the_name_of_the_command() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    fs::write(home.config().join("nmap.wasm"), NMAP).expect("a file can be written");
    let yaml = fs::read_to_string(home.config().join("scanhost.yaml")).expect("the file is there");
    let with =
        |entry: &str| home.write("scanhost.yaml", &format!("{yaml}plugins:\n  nmap: {{file: nmap.wasm{entry}}}\n"));

    with("");
    let output = check(&home);
    for part in ["plugins.nmap", "needs the grant `command`", "grants: [command]"] {
        assert!(output.code == Some(1) && output.stderr.contains(part), "{part}: {output:?}");
    }
    with(", grants: [command]");
    let output = check(&home);
    assert!(output.code == Some(1) && output.stderr.contains("no command \"nmap\" for this plugin"), "{output:?}");
    with(", grants: [command], commands: [nmap]");
    let output = check(&home);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(ended(&home).await["status"], "completed");

    for (entry, key, problem) in [
        (", commands: [nmap]", "plugins.nmap.commands", "has no effect without `command`"),
        (", grants: [command], commands: [masscan]", "plugins.nmap.commands[0]", "`commands` has nmap"),
    ] {
        with(entry);
        let output = check(&home);
        let line = output.stderr.lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{output:?}"));
        assert!(line.contains("scanhost.yaml:6") && line.contains(problem), "{line}");
    }
}

#[test]
fn a_wrong_command_is_told_with_file_line_and_key() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    for (command, key, problem) in [
        ("{allow: []}", "commands.nmap.program", "is required"),
        ("{program: /usr/bin/nmap}", "commands.nmap.allow", "is required"),
        ("{program: nmap, allow: []}", "commands.nmap.program", "absolute path"),
        ("{program: /usr/bin/nmap, allow: [\"*\"]}", "commands.nmap.allow[0]", "must not begin with `*`"),
        ("{program: /usr/bin/nmap, allow: [], cwd: /tmp}", "commands.nmap.cwd", "must be `scratch`"),
        ("{program: /usr/bin/nmap, allow: [], env: {\"A B\": x}}", "commands.nmap.env.A B", "letters, digits"),
        ("{program: /usr/bin/nmap, allow: [], limits: {memory: 1}}", "commands.nmap.limits.memory", "memory_mib"),
        ("{program: /usr/bin/nmap, allow: [], shell: true}", "commands.nmap.shell", "unknown key"),
    ] {
        home.write("scanhost.yaml", &format!("{POLL}commands:\n  nmap: {command}\n"));
        let output = check(&home);
        let line = output.stderr.lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{key}: {output:?}"));
        assert!(output.code == Some(1) && line.contains("scanhost.yaml:4") && line.contains(problem), "{line}");
    }
}

/// nmap logs in nowhere: such a scan is refused where it can be refused, unless the operator wants it all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_with_a_login_are_refused_unless_configured() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    let more = format!("{POLL}commands:\n  nmap: {{program: \"{}/nmap\", allow: {ALLOW}}}\n", bin(&home).display());
    home.write("scanhost.yaml", &(more + "credentials: {lab: {ssh_username: audit, ssh_password: secret-of-lab}}\n"));
    home.write("scanners.yaml", "nmap: [{instance_id: nmap1}]\nmock: [{instance_id: mock1}]\n");
    let arguments = json!({ "targets": "127.0.0.1", "name": "test", "credential": "lab", "scanner_pool": "nmap" });
    {
        let server = home.start();
        let (code, message, hint) = server.mcp().refused("run_trusted_scan", arguments.clone()).await;
        assert!(code == "invalid_argument" && message.contains("trusted"), "{code}: {message}");
        assert!(hint.contains("run_untrusted_scan") && hint.contains("mock"), "{hint}");
    }
    home.write("scanners.yaml", "nmap: [{instance_id: nmap1, scan_types: [untrusted, trusted]}]\n");
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.ok("run_trusted_scan", arguments).await;
    let status = mcp.ended(submitted["task_id"].as_str().expect("a task id"), SCAN_TIME).await;
    assert_eq!((&status["status"], &status["authentication_status"]), (&json!("completed"), &json!("not_applicable")));
    let warnings = status["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "no_login"), "{status}");
}
