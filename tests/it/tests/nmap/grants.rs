//! Only programs and arguments that the operator has granted by name are run.

use std::fs;

use scanhost_it::{
    guests::NMAP,
    output::Output,
    server::{Home, Server},
    testbed::{FAST_POLLING, SCAN_TIMEOUT},
};
use serde_json::{Value, json};

use crate::fake_nmap::{ALLOW, EMPTY_REPORT, bin_folder, home, processes, submit};

const SCANNERS: &str = "nmap: [{instance_id: nmap1}]\nmock: [{instance_id: mock1}]\n";

fn config_check(home: &Home) -> Output {
    let mut command = home.command(&["config", "check", "--config"]);
    command.arg(home.config());
    Output::run(command)
}

async fn run_scan(home: &Home) -> Value {
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    mcp.wait_for_end(&id, SCAN_TIMEOUT).await
}

#[test]
fn host_does_not_start_without_the_configured_command() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", FAST_POLLING)]);
    let output = config_check(&home);
    assert!(output.code == Some(1) && output.stderr.contains("`commands` in scanhost.yaml"), "{output:?}");
    let Err(log) = Server::try_start(home.serve_command()) else { panic!("the host started") };
    assert!(log.contains("scanners.yaml:1") && log.contains("`commands` in scanhost.yaml"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn argument_without_a_pattern_is_refused_with_its_key() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    let yaml = fs::read_to_string(home.config().join("scanhost.yaml")).expect("the file is there");
    home.write("scanhost.yaml", &yaml.replace(r#""--script=*", "#, ""));
    let status = run_scan(&home).await;
    let message = status["error"]["message"].as_str().expect("a message");
    assert!(message.contains("commands.nmap.allow") && message.contains("--script=default"), "{status}");
    assert!(processes(&home).is_empty());
}

// The test uses the built-in component as if it were a third-party plugin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn third_party_plugin_needs_the_grant_and_the_command_name() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    fs::write(home.config().join("nmap.wasm"), NMAP).expect("a file can be written");
    let yaml = fs::read_to_string(home.config().join("scanhost.yaml")).expect("the file is there");
    let write_entry =
        |entry: &str| home.write("scanhost.yaml", &format!("{yaml}plugins:\n  nmap: {{file: nmap.wasm{entry}}}\n"));

    write_entry("");
    let output = config_check(&home);
    for part in ["plugins.nmap", "needs the grant `command`", "grants: [command]"] {
        assert!(output.code == Some(1) && output.stderr.contains(part), "{part}: {output:?}");
    }
    write_entry(", grants: [command]");
    let output = config_check(&home);
    assert!(output.code == Some(1) && output.stderr.contains("no command \"nmap\" for this plugin"), "{output:?}");
    write_entry(", grants: [command], commands: [nmap]");
    let output = config_check(&home);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(run_scan(&home).await["status"], "completed");

    for (entry, key, problem) in [
        (", commands: [nmap]", "plugins.nmap.commands", "has no effect without `command`"),
        (", grants: [command], commands: [masscan]", "plugins.nmap.commands[0]", "`commands` has nmap"),
    ] {
        write_entry(entry);
        let output = config_check(&home);
        let line = output.stderr.lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{output:?}"));
        assert!(line.contains("scanhost.yaml:6") && line.contains(problem), "{line}");
    }
}

#[test]
fn invalid_command_is_reported_with_file_line_and_key() {
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
        home.write("scanhost.yaml", &format!("{FAST_POLLING}commands:\n  nmap: {command}\n"));
        let output = config_check(&home);
        let line = output.stderr.lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{key}: {output:?}"));
        assert!(output.code == Some(1) && line.contains("scanhost.yaml:4") && line.contains(problem), "{line}");
    }
}

// nmap cannot log in to its targets, so a scan with credentials is refused unless the configuration permits it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_with_a_login_are_refused_unless_configured() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    let more = format!(
        "{FAST_POLLING}commands:\n  nmap: {{program: \"{}/nmap\", allow: {ALLOW}}}\n",
        bin_folder(&home).display()
    );
    home.write("scanhost.yaml", &(more + "credentials: {lab: {ssh_username: audit, ssh_password: secret-of-lab}}\n"));
    home.write("scanners.yaml", "nmap: [{instance_id: nmap1}]\nmock: [{instance_id: mock1}]\n");
    let arguments = json!({ "targets": "127.0.0.1", "name": "test", "credential": "lab", "scanner_pool": "nmap" });
    {
        let server = home.start();
        let (code, message, hint) = server.mcp().call_refused("run_trusted_scan", arguments.clone()).await;
        assert!(code == "invalid_argument" && message.contains("trusted"), "{code}: {message}");
        assert!(hint.contains("run_untrusted_scan") && hint.contains("mock"), "{hint}");
    }
    home.write("scanners.yaml", "nmap: [{instance_id: nmap1, scan_types: [untrusted, trusted]}]\n");
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_trusted_scan", arguments).await;
    let status = mcp.wait_for_end(submitted["task_id"].as_str().expect("a task id"), SCAN_TIMEOUT).await;
    assert_eq!((&status["status"], &status["authentication_status"]), (&json!("completed"), &json!("not_applicable")));
    let warnings = status["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "no_login"), "{status}");
}
