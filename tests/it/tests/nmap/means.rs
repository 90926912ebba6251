//! A host whose scanner is a program, and what can be seen of that program from outside.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use scanhost_it::{
    lab::{POLL, SCAN_TIME},
    mcp::Mcp,
    server::{Home, Server},
};
use serde_json::{Value, json};

/// What the documentation lets nmap have.
pub const ALLOW: &str = r#"["-oX", "-", "--stats-every=*", "-sT", "-sS", "-sV", "-n", "-Pn", "-6", "-T*", "-p*", "--top-ports=*", "--script=*", "--version-intensity=*", "--host-timeout=*", "-iL", "--version"]"#;

/// The first lines of every program that stands for nmap here.
const HEAD: &str = "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'Nmap version 7.93 ( https://nmap.org )'; exit; }\n";

/// A report that says nothing.
pub const EMPTY_REPORT: &str = "<?xml version=\"1.0\"?><nmaprun><runstats><finished exit=\"success\"/><hosts up=\"0\" down=\"1\" total=\"1\"/></runstats></nmaprun>";

/// A program that has children, some of which do their best to get away, and that does not end.
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

/// A folder with `scanhost.yaml` and `scanners.yaml` that run this program as nmap. `BIN` in its text is the folder that
/// it is in; `limits` are those of the command, `more` more lines of `scanhost.yaml`.
pub fn home(script: &str, limits: &str, more: &str) -> Home {
    let home = Home::new(&[("scanners.yaml", "nmap: [{instance_id: nmap1}]\n")]);
    fs::create_dir(bin(&home)).expect("a folder can be made");
    fs::copy("/bin/sleep", bin(&home).join("sleeper")).expect("a program can be copied");
    place(&home, script);
    configure(&home, &bin(&home).join("nmap"), limits, more);
    home
}

/// Puts the program in its place, executable.
pub fn place(home: &Home, script: &str) {
    let program = bin(home).join("nmap");
    fs::write(&program, (HEAD.to_owned() + script).replace("BIN", &bin(home).display().to_string()))
        .expect("a file can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode can be set");
}

pub fn configure(home: &Home, program: &Path, limits: &str, more: &str) {
    let command = format!("{{program: \"{}\", allow: {ALLOW}, limits: {{{limits}}}}}", program.display());
    home.write("scanhost.yaml", &format!("{POLL}commands:\n  nmap: {command}\n{more}"));
}

pub fn bin(home: &Home) -> PathBuf {
    home.path().join("bin")
}

/// The processes that the host has started for scans of this home: their supervisors, the programs, and what these have
/// started.
pub fn processes(home: &Home) -> Vec<String> {
    let (bin, data) = (bin(home).display().to_string(), home.data());
    let ids = fs::read_dir("/proc")
        .expect("there is /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let found = ids.filter_map(|id| {
        let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let is_at_work = fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|folder| folder.starts_with(&data));
        // What waits for its parent to take note of its end has no command any more.
        (!command.is_empty() && (command.contains(&bin) || is_at_work)).then(|| format!("{id} {command}"))
    });
    found.collect()
}

pub async fn until_none_is_left(home: &Home) {
    scanhost_it::lab::wait_until("the end of all processes", || processes(home).is_empty()).await;
}

/// A server with a scan whose program runs, and has its children.
pub async fn running(home: &Home) -> (Server, Mcp, String) {
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    let family = || processes(home).iter().filter(|process| process.contains("sleeper")).count() >= 4;
    scanhost_it::lab::wait_until("the program with its children", family).await;
    (server, mcp, id)
}

pub async fn submit(mcp: &Mcp) -> String {
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "127.0.0.1", "name": "test" })).await;
    submitted["task_id"].as_str().expect("a submit answers a task id").to_owned()
}

/// The status of a scan at its end, by this program.
pub async fn scanned(home: &Home) -> (Server, Mcp, Value) {
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    let status = mcp.ended(&id, SCAN_TIME).await;
    (server, mcp, status)
}
