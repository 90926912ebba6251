//! nmap itself, against services on loopback that are real: a web server of Python, Redis and OpenSSH.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use scanhost_it::{
    installed,
    lab::{POLL, SCAN_TIME, wait_until},
    output::Output,
    redis::Redis,
    server::Home,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::means::{ALLOW, processes, submit};

/// A server that ends with the test.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start(port: u16, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: run `bash tests/run`"));
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < SCAN_TIME, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }

    fn web(folder: &Path) -> Self {
        let port = free_port();
        let mut command = installed::python();
        command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"]).arg(folder);
        Self::start(port, command)
    }

    fn ssh(folder: &Path) -> Self {
        let (port, key) = (free_port(), folder.join("host_key"));
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(made.expect("ssh-keygen can be started: run `bash tests/run`").success());
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-f", "/dev/null", "-p", &port.to_string(), "-o", "ListenAddress=127.0.0.1"]);
        command.args(["-o", "PidFile=none", "-h"]).arg(&key);
        Self::start(port, command)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("a port is free").port()
}

/// The path of nmap, as an operator would write it.
fn nmap() -> &'static str {
    let found = ["/usr/bin/nmap", "/usr/local/bin/nmap"].into_iter().find(|path| Path::new(path).is_file());
    found.expect("nmap is installed: run `bash tests/run`")
}

fn home(options: &str) -> Home {
    let home = Home::new(&[("scanners.yaml", &format!("nmap: [{{instance_id: nmap1, options: {{{options}}}}}]\n"))]);
    home.write("scanhost.yaml", &format!("{POLL}commands:\n  nmap: {{program: {}, allow: {ALLOW}}}\n", nmap()));
    home
}

fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config());
    Output::of(command)
}

/// What is found there, by the port that it is found at.
fn at(findings: &[Value], port: u16) -> Vec<&Value> {
    findings.iter().filter(|finding| finding["port"] == port).collect()
}

#[test]
fn three_services_are_found_with_versions_and_one_that_is_closed_is_gone() {
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
    for (port, service, said) in
        [(web.port, "http", "SimpleHTTPServer 0.6"), (ssh.port, "ssh", "OpenSSH"), (redis_port, "redis", "Redis")]
    {
        let open = at(&findings, port).into_iter().find(|finding| finding["plugin_id"] == 1);
        let open = open.unwrap_or_else(|| panic!("port {port} is not in {findings:#?}"));
        assert_eq!(
            (&open["svc_name"], &open["severity"], &open["host"]),
            (&json!(service), &json!("Info"), &json!("127.0.0.1"))
        );
        assert!(open["synopsis"].as_str().expect("a synopsis").contains(said), "{open}");
    }
    let version = |finding: &Value| finding["service_version"].as_str().is_some_and(|version| !version.is_empty());
    assert!(at(&findings, ssh.port).iter().any(|finding| version(finding)), "{findings:#?}");
    let info = at(&findings, redis_port).into_iter().find(|finding| finding["script_id"] == "redis-info").cloned();
    let info = info.expect("what Redis says about itself");
    assert!(info["plugin_output"].as_str().expect("output").contains("Version: "), "{info}");

    let closed = web.port;
    drop(web);
    let (after, findings) = scan();
    assert!(at(&findings, closed).is_empty() && at(&findings, ssh.port).len() > 1, "{findings:#?}");
    let compared = run(&home, &["compare", &before, &after, "--json"]);
    assert_eq!(compared.code, Some(0), "{compared:?}");
    let compared: Value = serde_json::from_str(&compared.stdout).expect("JSON");
    let gone = compared["gone"].as_array().unwrap_or_else(|| panic!("{compared}"));
    assert!(!gone.is_empty() && gone.iter().all(|finding| finding["port"] == closed), "{compared}");
    assert_eq!(compared["new"], json!([]), "{compared}");
    assert!(processes(&home).is_empty());
}

/// It knows how far it is, and is gone when it is not wanted any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_run_is_cancelled() {
    // A listener that says nothing keeps nmap waiting.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let home = home(&format!("ports: \"{}\", version_intensity: 9", silent.local_addr().expect("an address").port()));
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp).await;
    wait_until("nmap", || processes(&home).iter().any(|process| process.contains("nmap -oX"))).await;
    let is_up = async { while mcp.ok("list_scanners", json!({})).await["scanners"][0]["up"] != true {} };
    timeout(SCAN_TIME, is_up).await.expect("a scanner that works");
    assert_eq!(mcp.ok("get_scan_status", json!({ "task_id": id })).await["status"], "running");
    mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    assert_eq!(mcp.ended(&id, SCAN_TIME).await["status"], "cancelled");
    assert_eq!(processes(&home), Vec::<String>::new());
    let tasks = fs::read_dir(home.data().join("tasks").join(&id)).expect("the scan's folder").count();
    assert!(tasks <= 1, "only the record is left");
}
