//! A host that runs a shell script in place of nmap, and the processes that this script has started.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use scanhost_it::{
    mcp::McpClient,
    server::{Home, Server},
    testbed::{FAST_POLLING, SCAN_TIMEOUT},
};
use serde_json::{Value, json};

/// The arguments that the documentation permits nmap.
pub const ALLOW: &str = r#"["-oX", "-", "--stats-every=*", "-sT", "-sS", "-sV", "-n", "-Pn", "-6", "-T*", "-p*", "--top-ports=*", "--script=*", "--version-intensity=*", "--host-timeout=*", "-iL", "--version"]"#;

/// The first lines of every script in place of nmap, which answer `--version`.
const HEAD: &str = "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'Nmap version 7.93 ( https://nmap.org )'; exit; }\n";

/// A report without findings.
pub const EMPTY_REPORT: &str = "<?xml version=\"1.0\"?><nmaprun><runstats><finished exit=\"success\"/><hosts up=\"0\" down=\"1\" total=\"1\"/></runstats></nmaprun>";

/// A script that does not end, and whose children try to escape from it in several ways.
pub const ENDLESS: &str = "
BIN/sleeper 3600 &
/usr/bin/setsid BIN/sleeper 3600 &
(BIN/sleeper 3600 &)
/usr/bin/setsid /bin/sh -c '(BIN/sleeper 3600 &) ; exec BIN/sleeper 3600' &
trap '' TERM INT HUP
echo '<nmaprun>'
echo '<taskprogress task=\"Connect Scan\" time=\"1\" percent=\"50.00\"/>'
while :; do BIN/sleeper 1; done
";

/// Makes a home whose scanner runs this script as nmap. `BIN` in the script is replaced by the folder of the script,
/// `limits` are the limits of the command, and `more` has additional lines of `scanhost.yaml`.
pub fn home(script: &str, limits: &str, more: &str) -> Home {
    let home = Home::new(&[("scanners.yaml", "nmap: [{instance_id: nmap1}]\n")]);
    fs::create_dir(bin_folder(&home)).expect("a folder can be made");
    fs::copy("/bin/sleep", bin_folder(&home).join("sleeper")).expect("a program can be copied");
    install(&home, script);
    configure(&home, &bin_folder(&home).join("nmap"), limits, more);
    home
}

/// Writes the script as an executable file.
pub fn install(home: &Home, script: &str) {
    let program = bin_folder(home).join("nmap");
    fs::write(&program, (HEAD.to_owned() + script).replace("BIN", &bin_folder(home).display().to_string()))
        .expect("a file can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode can be set");
}

pub fn configure(home: &Home, program: &Path, limits: &str, more: &str) {
    let command = format!("{{program: \"{}\", allow: {ALLOW}, limits: {{{limits}}}}}", program.display());
    home.write("scanhost.yaml", &format!("{FAST_POLLING}commands:\n  nmap: {command}\n{more}"));
}

pub fn bin_folder(home: &Home) -> PathBuf {
    home.path().join("bin")
}

/// The processes that scans of this home have started: supervisors, programs, and their children.
pub fn processes(home: &Home) -> Vec<String> {
    let (bin, data) = (bin_folder(home).display().to_string(), home.data());
    let ids = fs::read_dir("/proc")
        .expect("there is /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let found = ids.filter_map(|id| {
        let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let works_in_home = fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|folder| folder.starts_with(&data));
        // A process that has ended and was not yet waited for has no command line any more.
        (!command.is_empty() && (command.contains(&bin) || works_in_home)).then(|| format!("{id} {command}"))
    });
    found.collect()
}

pub async fn wait_until_no_process_is_left(home: &Home) {
    scanhost_it::testbed::wait_until("the end of all processes", || processes(home).is_empty()).await;
}

/// Starts a server and a scan, and waits until its program runs and has started its children.
pub async fn start_scan(home: &Home) -> (Server, McpClient, String) {
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    let has_children = || processes(home).iter().filter(|process| process.contains("sleeper")).count() >= 4;
    scanhost_it::testbed::wait_until("the program with its children", has_children).await;
    (server, mcp, id)
}

pub async fn submit(mcp: &McpClient) -> String {
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "127.0.0.1", "name": "test" })).await;
    submitted["task_id"].as_str().expect("the answer to a submit has a task id").to_owned()
}

/// Starts a server, runs a scan to its end, and returns its status.
pub async fn run_scan(home: &Home) -> (Server, McpClient, Value) {
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    (server, mcp, status)
}
