//! The real nmap against real services on loopback: the web server of Python, Redis and OpenSSH.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use scanhost_it::{
    output::Output,
    redis::Redis,
    server::Home,
    testbed::{FAST_POLLING, SCAN_TIMEOUT, wait_until},
    third_party,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::fake_nmap::{ALLOW, processes, submit};

/// A network service that is killed at the end of the test.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start(port: u16, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: run `bash tests/run`"));
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < SCAN_TIMEOUT, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }

    fn web(folder: &Path) -> Self {
        let port = free_port();
        let mut command = third_party::python();
        command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"]).arg(folder);
        Self::start(port, command)
    }

    fn ssh(folder: &Path) -> Self {
        let (port, key) = (free_port(), folder.join("host_key"));
        let status = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(status.expect("ssh-keygen can be started: run `bash tests/run`").success());
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-f", "/dev/null", "-p", &port.to_string(), "-o", "ListenAddress=127.0.0.1"]);
        command.args(["-o", "PidFile=none", "-h"]).arg(&key);
        Self::start(port, command)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.expect("a port is free").port()
}

/// The path at which nmap is installed.
fn nmap() -> &'static str {
    let found = ["/usr/bin/nmap", "/usr/local/bin/nmap"].into_iter().find(|path| Path::new(path).is_file());
    found.expect("nmap is installed: run `bash tests/run`")
}

fn home(options: &str) -> Home {
    let home = Home::new(&[("scanners.yaml", &format!("nmap: [{{instance_id: nmap1, options: {{{options}}}}}]\n"))]);
    home.write("scanhost.yaml", &format!("{FAST_POLLING}commands:\n  nmap: {{program: {}, allow: {ALLOW}}}\n", nmap()));
    home
}

fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config());
    Output::run(command)
}

/// The findings on this port.
fn findings_on(findings: &[Value], port: u16) -> Vec<&Value> {
    findings.iter().filter(|finding| finding["port"] == port).collect()
}

#[test]
fn nmap_finds_services_with_versions_and_misses_a_closed_one() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let (web, ssh, redis) = (Service::web(folder.path()), Service::ssh(folder.path()), Redis::new());
    let redis_port: u16 =
        redis.url().rsplit(':').next().and_then(|rest| rest.split('/').next()?.parse().ok()).expect("a port");
    let ports = format!("{},{},{redis_port}", web.port, ssh.port);
    let home = home(&format!("ports: \"{ports}\", scripts: \"default,redis-info\", version_intensity: 2"));
    assert_eq!(run(&home, &["config", "check"]).code, Some(0));

    let scan = || {
        let options = ["scan", "--pool", "nmap", "--targets", "127.0.0.1", "--profile", "full", "--format", "jsonl"];
        let output = run(&home, &options);
        assert_eq!(output.code, Some(0), "{output:?}");
        let metadata: Value =
            output.stdout.lines().nth(1).and_then(|line| serde_json::from_str(line).ok()).expect("metadata");
        assert_eq!((&metadata["hosts_scanned"], &metadata["backend"]), (&json!(1), &json!("nmap")), "{metadata}");
        (metadata["task_id"].as_str().expect("a task id").to_owned(), output.records())
    };
    let (before, findings) = scan();
    for (port, service, product) in
        [(web.port, "http", "SimpleHTTPServer 0.6"), (ssh.port, "ssh", "OpenSSH"), (redis_port, "redis", "Redis")]
    {
        let open = findings_on(&findings, port).into_iter().find(|finding| finding["plugin_id"] == 1);
        let open = open.unwrap_or_else(|| panic!("port {port} is not in {findings:#?}"));
        assert_eq!(
            (&open["svc_name"], &open["severity"], &open["host"]),
            (&json!(service), &json!("Info"), &json!("127.0.0.1"))
        );
        assert!(open["synopsis"].as_str().expect("a synopsis").contains(product), "{open}");
    }
    let version = |finding: &Value| finding["service_version"].as_str().is_some_and(|version| !version.is_empty());
    assert!(findings_on(&findings, ssh.port).iter().any(|finding| version(finding)), "{findings:#?}");
    let info =
        findings_on(&findings, redis_port).into_iter().find(|finding| finding["script_id"] == "redis-info").cloned();
    let info = info.expect("a finding of the script redis-info");
    assert!(info["plugin_output"].as_str().expect("output").contains("Version: "), "{info}");

    let closed = web.port;
    drop(web);
    let (after, findings) = scan();
    assert!(findings_on(&findings, closed).is_empty() && findings_on(&findings, ssh.port).len() > 1, "{findings:#?}");
    let compared = run(&home, &["compare", &before, &after, "--json"]);
    assert_eq!(compared.code, Some(0), "{compared:?}");
    let compared: Value = serde_json::from_str(&compared.stdout).expect("JSON");
    let gone = compared["gone"].as_array().unwrap_or_else(|| panic!("{compared}"));
    assert!(!gone.is_empty() && gone.iter().all(|finding| finding["port"] == closed), "{compared}");
    assert_eq!(compared["new"], json!([]), "{compared}");
    assert!(processes(&home).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_nmap_is_cancelled() {
    // nmap waits for the answers of this silent listener.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let home = home(&format!("ports: \"{}\", version_intensity: 9", silent.local_addr().expect("an address").port()));
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    wait_until("nmap", || processes(&home).iter().any(|process| process.contains("nmap -oX"))).await;
    let is_up = async { while mcp.call_ok("list_scanners", json!({})).await["scanners"][0]["up"] != true {} };
    timeout(SCAN_TIMEOUT, is_up).await.expect("the scanner is up");
    assert_eq!(mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["status"], "running");
    mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    assert_eq!(mcp.wait_for_end(&id, SCAN_TIMEOUT).await["status"], "cancelled");
    assert_eq!(processes(&home), Vec::<String>::new());
    let files = fs::read_dir(home.data().join("tasks").join(&id)).expect("the scan's folder").count();
    assert!(files <= 1, "the folder has more than the record");
}
