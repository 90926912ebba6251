//! The arguments and environment of the program: no text of an agent becomes an option, and nothing of the host leaks.

use std::{fs, os::fd::AsRawFd as _};

use serde_json::json;

use crate::fake_nmap::{EMPTY_REPORT, home, processes, run_scan};

/// A script that writes its arguments, environment, open files, folder, limits and targets into files.
fn recording_script() -> String {
    format!(
        "printf '%s\\n' \"$@\" > BIN/arguments\ncat \"${{20:-/dev/null}}\" > /dev/null\n/usr/bin/env > BIN/env\n\
         ls /proc/self/fd > BIN/fds\npwd > BIN/cwd\ncat /proc/self/limits > BIN/limits\ncat /proc/self/status > BIN/status\n\
         for last; do :; done\ncp \"$last\" BIN/targets\necho '{EMPTY_REPORT}'\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_targets_are_refused_before_a_program_runs() {
    let home = home(&recording_script(), "", "");
    let server = home.start();
    let mcp = server.mcp();
    // This one is within the size of a request, and the one below is beyond it.
    let long = "127.0.0.1,".repeat(1 << 18);
    for targets in [
        "-oN/tmp/x",
        "--script=/tmp/x.nse",
        ";id",
        "$(id)",
        "`id`",
        "127.0.0.1 -oN/tmp/x",
        "127.0.0.1\n-iL/etc/passwd",
        "127.0.0.1;id",
        "@/etc/passwd",
        "127.0.0.1 --resume=/tmp/x",
        "localhost\0-oN",
        "",
        &long,
    ] {
        let (code, message, _) =
            mcp.call_refused("run_untrusted_scan", json!({ "targets": targets, "name": "hostile" })).await;
        assert!(matches!(code.as_str(), "invalid_argument" | "target_not_allowed"), "{targets:.40}: {code}");
        assert!(message.len() < 2_000, "{targets:.40}: {} bytes", message.len());
    }
    let huge = mcp.request(
        "tools/call",
        json!({
            "name": "run_untrusted_scan", "arguments": { "targets": "1".repeat(10 << 20), "name": "huge" }
        }),
    );
    let refused = huge.send().await.map(|answer| answer.status().as_u16());
    assert!(refused.as_ref().map_or(true, |code| *code == 413), "{refused:?}");
    let scans = mcp.call_ok("list_scans", json!({})).await;
    assert_eq!(scans["scans"], json!([]));
    assert!(!home.path().join("bin/arguments").exists() && processes(&home).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn program_gets_only_what_is_configured() {
    let home = home(&recording_script(), "memory_mib: 512, output_mib: 2", "");
    let yaml = fs::read_to_string(home.config().join("scanhost.yaml")).expect("the file is there");
    home.write(
        "scanhost.yaml",
        &yaml.replace("limits: {memory", "env: {LANG: C, TOKEN: \"${SECRET_OF_THE_TEST}\"}, limits: {memory"),
    );
    // The process that starts the host may have leaked an open file to it.
    let leaked = fs::File::open(home.config().join("scanhost.yaml")).expect("the file is there");
    let mut serve = std::process::Command::new("/bin/sh");
    let inner = home.serve_command();
    serve.args(["-c", &format!("exec 7</proc/{}/fd/{}; exec \"$@\"", std::process::id(), leaked.as_raw_fd()), "sh"]);
    serve.arg(inner.get_program()).args(inner.get_args()).current_dir(home.path());
    serve.env("SECRET_OF_THE_TEST", "for the program").env("ANOTHER", "for the host alone");
    serve.env("SCANHOST_LOG", "debug,hyper=info,wasmtime=info");
    let server = scanhost_it::server::Server::start(serve);
    let mcp = server.mcp();
    let targets = "127.0.0.1, 10.0.0.1-10.0.0.6 192.168.0.0/30\nlocalhost";
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": targets, "name": "-oN /tmp/x; $(id)" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    let status = mcp.wait_for_end(id, scanhost_it::testbed::SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "completed", "{status}");
    let recorded =
        |name: &str| fs::read_to_string(home.path().join("bin").join(name)).expect("the script has written the file");
    let arguments = recorded("arguments");
    let arguments: Vec<&str> = arguments.lines().collect();
    let (last, own) = arguments.split_last().expect("arguments");
    assert_eq!(own.join(" "), "-oX - --stats-every=2s -sT -sV --script=default -n -T3 -iL");
    assert!(last.starts_with(&home.data().display().to_string()) && last.ends_with("/targets"), "{last}");
    let targets = recorded("targets");
    let targets: Vec<&str> = targets.lines().collect();
    assert_eq!(
        targets,
        ["127.0.0.1", "10.0.0.1", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6", "192.168.0.0/30", "localhost"]
    );
    let env = recorded("env");
    // The shell itself sets `PWD` and `_`.
    let mut env: Vec<&str> = env.lines().filter(|line| !line.starts_with("PWD=") && !line.starts_with("_=")).collect();
    env.sort_unstable();
    assert_eq!(env, ["LANG=C", "TOKEN=for the program"]);
    // The last file descriptor belongs to `ls` itself.
    assert_eq!(recorded("fds").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    assert!(recorded("cwd").trim().starts_with(&home.data().display().to_string()), "{}", recorded("cwd"));
    let limits = recorded("limits");
    let limit = |name: &str| limits.lines().find(|line| line.starts_with(name)).expect("a limit").to_owned();
    assert!(limit("Max data size").contains(&(512_u64 << 20).to_string()), "{limits}");
    assert!(limit("Max file size").contains(&(2_u64 << 20).to_string()), "{limits}");
    assert!(recorded("status").contains("NoNewPrivs:\t1"), "{}", recorded("status"));
    let everything =
        server.log() + &fs::read_to_string(home.data().join("tasks").join(id).join("task.json")).expect("a record");
    assert!(
        !everything.contains("for the program"),
        "a value of the environment of the program is in the log or the record"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipv4_and_ipv6_targets_are_refused_in_one_scan() {
    let home = home(&recording_script(), "", "");
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "127.0.0.1, ::1", "name": "both" })).await;
    let status =
        mcp.wait_for_end(submitted["task_id"].as_str().expect("a task id"), scanhost_it::testbed::SCAN_TIMEOUT).await;
    assert_eq!(status["error"]["code"], "rejected", "{status}");
    assert!(status["error"]["message"].as_str().expect("a message").contains("a scan for each"), "{status}");
    drop(server);
    let (_server, _, status) = run_scan(&home).await;
    assert_eq!(status["status"], "completed", "{status}");
}
