//! Admin commands where no process answers on the data folder: over Redis, or while the server is stopped.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use scanhost_it::{
    guests::{STEADY, with_version},
    output::Output,
    program::compiled_plugins,
    redis::Redis,
    server::{Home, Server},
    testbed::sha256_hex,
};
use serde_json::{Value, json};

const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]\nsteady: [{instance_id: s1}]\n";
const PLUGINS: &str = "plugins: {steady: {file: steady.wasm}}\n";
const RELOAD_TIMEOUT: Duration = Duration::from_secs(60);

fn home(store: &str) -> Home {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &format!("store: {store}\n{PLUGINS}"))]);
    fs::write(home.config().join("steady.wasm"), STEADY).unwrap();
    home
}

fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config()).env_remove("SCANHOST_LOG").env("XDG_CACHE_HOME", compiled_plugins());
    Output::run(command)
}

/// Runs an admin command with `--json`, which has to succeed, and returns its parsed output and its standard error.
fn run_json(home: &Home, arguments: &[&str]) -> (Value, String) {
    let output = run(home, &[arguments, &["--json"]].concat());
    assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
    (serde_json::from_str(&output.stdout).unwrap(), output.stderr)
}

/// Waits until the server uses this version of the plugin.
async fn wait_for_version(server: &Server, component: &[u8]) {
    let start = Instant::now();
    loop {
        let ready = server.ready().await;
        let entry = ready["plugins"].as_array().unwrap().iter().find(|entry| entry["name"] == "steady").unwrap();
        if entry["digest"] == sha256_hex(component).as_str() {
            return;
        }
        assert!(start.elapsed() < RELOAD_TIMEOUT, "the server does not use the version: {ready}\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn admin_commands_work_with_a_plugin_that_does_not_load() {
    let redis = Redis::new();
    for store in [redis.url().as_str(), "embedded"] {
        let home = home(store);
        drop(home.start());
        redis.command(&["FLUSHALL"]);
        fs::write(home.config().join("steady.wasm"), &STEADY[..100]).unwrap();
        let commands: [&[&str]; 6] = [
            &["queue", "pause", "steady"],
            &["queue"],
            &["queue", "resume", "steady"],
            &["scans"],
            &["dlq", "list"],
            &["dlq", "purge", "--yes"],
        ];
        for command in commands {
            run_json(&home, command);
        }
        let (rows, stderr) = run_json(&home, &["plugin", "list"]);
        let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
        assert_eq!(row("steady")["state"], "not loaded");
        assert!(row("steady")["why"].as_str().unwrap().contains("not a WebAssembly component"), "{rows}");
        assert_eq!((&row("mock")["state"], &row("mock")["generation"]), (&json!("active"), &Value::Null));
        assert_eq!(stderr.matches("/ready of each process").count(), 1, "{stderr}");
        let (answer, stderr) = run_json(&home, &["plugin", "rollback", "steady"]);
        let expected = json!({ "name": "steady", "sha256": sha256_hex(STEADY), "generation": null });
        assert_eq!(answer, expected);
        assert!(stderr.contains("/ready of each process"), "{stderr}");
        wait_for_version(&home.start(), STEADY).await;
    }
}

#[tokio::test]
async fn starting_process_follows_a_concurrent_rollback() {
    let redis = Redis::new();
    let (home, second) = (home(&redis.url()), with_version(STEADY, 2));
    drop(home.start());
    fs::write(home.config().join("steady.wasm"), &second).unwrap();
    let server = home.start();
    wait_for_version(&server, &second).await;
    let another = thread::scope(|scope| {
        let starting = scope.spawn(|| home.start());
        run_json(&home, &["plugin", "rollback", "steady"]);
        starting.join().unwrap()
    });
    for server in [server, another] {
        wait_for_version(&server, STEADY).await;
    }
}

#[test]
fn data_folder_under_another_working_directory_is_reported() {
    let redis = Redis::new();
    for store in ["embedded", &redis.url()] {
        let relative = format!("data: ./here\nstore: {store}\n{PLUGINS}");
        let home = home(store);
        drop(home.start());
        home.write("scanhost.yaml", &relative);
        let elsewhere = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let mut command = home.command(arguments);
            command.arg("--config").arg(home.config()).env("XDG_CACHE_HOME", compiled_plugins());
            command.current_dir(elsewhere.path());
            Output::run(command)
        };
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let commands: [&[&str]; 6] = [
            &["queue"],
            &["scans"],
            &["dlq", "list"],
            &["dlq", "retry", id],
            &["plugin", "rollback", "steady"],
            &["compare", id, id],
        ];
        let folder = elsewhere.path().canonicalize().unwrap().join("here");
        let refusal = format!("scanhost has no data at {} (`data` in scanhost.yaml is relative", folder.display());
        for command in commands.into_iter().filter(|_| store == "embedded") {
            let output = run(command);
            assert!(output.stderr.contains(&refusal), "{command:?}: {}", output.stderr);
            assert!(!folder.exists(), "{command:?} created a folder");
        }
        for command in [&["plugin", "list"][..], &["config", "check"]] {
            assert_eq!(run(command).code, Some(0), "{command:?}");
        }
        if store != "embedded" {
            for command in commands.into_iter().chain([&["serve", "--listen", "127.0.0.1:0"][..]]) {
                let refused = run(command);
                assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{command:?}");
                let (cause, advice) =
                    (refused.stderr.find("relative to the working"), refused.stderr.find("delete the key"));
                assert!(cause.is_some() && cause < advice, "{}", refused.stderr);
            }
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "no folder was made");
    }
}
