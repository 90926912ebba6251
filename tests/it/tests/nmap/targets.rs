//! What the program is started with: nothing that an agent says can become an option, and nothing of the host gets in.

use std::{fs, os::fd::AsRawFd as _};

use serde_json::json;

use crate::means::{EMPTY_REPORT, home, processes, scanned};

/// Writes down what it was started with.
fn telling() -> String {
    format!(
        "printf '%s\\n' \"$@\" > BIN/arguments\ncat \"${{20:-/dev/null}}\" > /dev/null\n/usr/bin/env > BIN/env\n\
         ls /proc/self/fd > BIN/fds\npwd > BIN/cwd\ncat /proc/self/limits > BIN/limits\ncat /proc/self/status > BIN/status\n\
         for last; do :; done\ncp \"$last\" BIN/targets\necho '{EMPTY_REPORT}'\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_targets_are_refused_before_anything_runs() {
    let home = home(&telling(), "", "");
    let server = home.start();
    let mcp = server.mcp();
    // Within what a request may have at all, and beyond.
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
            mcp.refused("run_untrusted_scan", json!({ "targets": targets, "name": "hostile" })).await;
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
    let scans = mcp.ok("list_scans", json!({})).await;
    assert_eq!(scans["scans"], json!([]));
    assert!(!home.path().join("bin/arguments").exists() && processes(&home).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_gets_what_is_configured_and_nothing_else() {
    let home = home(&telling(), "memory_mib: 512, output_mib: 2", "");
    let yaml = fs::read_to_string(home.config().join("scanhost.yaml")).expect("the file is there");
    home.write(
        "scanhost.yaml",
        &yaml.replace("limits: {memory", "env: {LANG: C, TOKEN: \"${SECRET_OF_THE_TEST}\"}, limits: {memory"),
    );
    // Whoever starts the host may have files open that are not meant for it.
    let leaked = fs::File::open(home.config().join("scanhost.yaml")).expect("the file is there");
    let mut serving = std::process::Command::new("/bin/sh");
    let inner = home.serving();
    serving.args(["-c", &format!("exec 7</proc/{}/fd/{}; exec \"$@\"", std::process::id(), leaked.as_raw_fd()), "sh"]);
    serving.arg(inner.get_program()).args(inner.get_args()).current_dir(home.path());
    serving.env("SECRET_OF_THE_TEST", "for the program").env("ANOTHER", "for the host alone");
    serving.env("SCANHOST_LOG", "debug,hyper=info,wasmtime=info");
    let server = scanhost_it::server::Server::start(serving);
    let mcp = server.mcp();
    let targets = "127.0.0.1, 10.0.0.1-10.0.0.6 192.168.0.0/30\nlocalhost";
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": targets, "name": "-oN /tmp/x; $(id)" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    let status = mcp.ended(id, scanhost_it::lab::SCAN_TIME).await;
    assert_eq!(status["status"], "completed", "{status}");
    let told = |name: &str| fs::read_to_string(home.path().join("bin").join(name)).expect("it was told");
    let arguments = told("arguments");
    let arguments: Vec<&str> = arguments.lines().collect();
    let (last, own) = arguments.split_last().expect("arguments");
    assert_eq!(own.join(" "), "-oX - --stats-every=2s -sT -sV --script=default -n -T3 -iL");
    assert!(last.starts_with(&home.data().display().to_string()) && last.ends_with("/targets"), "{last}");
    let targets = told("targets");
    let targets: Vec<&str> = targets.lines().collect();
    assert_eq!(
        targets,
        ["127.0.0.1", "10.0.0.1", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6", "192.168.0.0/30", "localhost"]
    );
    let env = told("env");
    // The last two are the shell's own.
    let mut env: Vec<&str> = env.lines().filter(|line| !line.starts_with("PWD=") && !line.starts_with("_=")).collect();
    env.sort_unstable();
    assert_eq!(env, ["LANG=C", "TOKEN=for the program"]);
    // The last is that of the listing itself.
    assert_eq!(told("fds").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    assert!(told("cwd").trim().starts_with(&home.data().display().to_string()), "{}", told("cwd"));
    let limits = told("limits");
    let limit = |name: &str| limits.lines().find(|line| line.starts_with(name)).expect("a limit").to_owned();
    assert!(limit("Max data size").contains(&(512_u64 << 20).to_string()), "{limits}");
    assert!(limit("Max file size").contains(&(2_u64 << 20).to_string()), "{limits}");
    assert!(told("status").contains("NoNewPrivs:\t1"), "{}", told("status"));
    let everything =
        server.log() + &fs::read_to_string(home.data().join("tasks").join(id).join("task.json")).expect("a record");
    assert!(!everything.contains("for the program"), "a value of the environment is nobody else's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn families_of_addresses_are_not_mixed_in_one_run() {
    let home = home(&telling(), "", "");
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "127.0.0.1, ::1", "name": "both" })).await;
    let status = mcp.ended(submitted["task_id"].as_str().expect("a task id"), scanhost_it::lab::SCAN_TIME).await;
    assert_eq!(status["error"]["code"], "rejected", "{status}");
    assert!(status["error"]["message"].as_str().expect("a message").contains("a scan for each"), "{status}");
    drop(server);
    let (_server, _, status) = scanned(&home).await;
    assert_eq!(status["status"], "completed", "{status}");
}
