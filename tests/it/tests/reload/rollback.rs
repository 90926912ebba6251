//! Rollback of a plugin to its last good version, by an operator or by the host, and over restarts.

use std::fs;

use scanhost_it::{
    guests::{STEADY, with_failing_status, with_other_digest, with_version},
    server::replace_file,
    testbed::{SCAN_TIMEOUT, sha256_hex, wait_until},
};
use serde_json::{Value, json};

use crate::test_host::{SERVER, TestHost, home, write_server_yaml};

impl TestHost {
    /// The row of the present version of this plugin in `plugin list`.
    fn plugin_row(&self, name: &str) -> Value {
        self.plugin_list().into_iter().find(|row| row["name"] == name && row["state"] != "draining").unwrap()
    }

    async fn swap_steady(&self, component: &[u8]) {
        let reload = self.reload(|config| replace_file(&config.join("steady.wasm"), component)).await;
        assert_eq!(reload["outcome"], "ok", "{reload}");
    }

    async fn version_of_steady(&self) -> String {
        self.versions_in_use().await.0
    }

    /// Shuts the server down, calls `between`, and starts it again.
    fn restart(self, between: impl FnOnce(&std::path::Path)) -> Self {
        let Self { home, server, .. } = self;
        assert_eq!(server.terminate(), Some(0));
        between(&home.config());
        Self::start_on(home)
    }

    /// Runs a scan in the pool `steady` to its end, and returns its status.
    async fn run_scan(&self) -> Value {
        let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
        let id = self.mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
        self.mcp.wait_for_end(&id, SCAN_TIMEOUT).await
    }
}

#[tokio::test]
async fn rollback_survives_a_restart_until_the_file_changes() {
    let host = TestHost::start();
    host.swap_steady(&with_version(STEADY, 2)).await;
    assert_eq!(host.version_of_steady().await, "found by version 2");

    let output = host.run_plugin_command(&["rollback", "steady"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&answer["sha256"], &answer["generation"]), (&json!(sha256_hex(STEADY)), &json!(3)));
    assert_eq!(host.version_of_steady().await, "found by version 1");
    let row = host.plugin_row("steady");
    assert_eq!((&row["state"], &row["version"]), (&json!("rolled back"), &json!("1.1.0")), "{row}");
    assert!(row["why"].as_str().unwrap().contains("operator"), "{row}");

    let host = host.restart(|_| {});
    assert_eq!(host.version_of_steady().await, "found by version 1");
    // Another change of the configuration does not end the rollback.
    let text = fs::read_to_string(host.config().join("scanners.yaml")).unwrap() + "mock_two: [{instance_id: m2}]\n";
    assert_eq!(host.reload(|config| replace_file(&config.join("scanners.yaml"), text)).await["outcome"], "ok");
    assert_eq!(host.version_of_steady().await, "found by version 1");

    host.swap_steady(&with_version(STEADY, 3)).await;
    assert_eq!(host.version_of_steady().await, "found by version 3");
    assert_eq!(host.plugin_row("steady")["state"], "active");
}

#[tokio::test]
async fn cleared_rollback_loads_the_file_again() {
    let host = TestHost::start();
    host.swap_steady(&with_version(STEADY, 2)).await;
    assert_eq!(host.run_plugin_command(&["rollback", "steady", "--clear"]).code, Some(1), "there is nothing to clear");
    assert_eq!(host.run_plugin_command(&["rollback", "steady"]).code, Some(0));
    assert_eq!(host.run_plugin_command(&["rollback", "steady", "--clear"]).code, Some(0));
    assert_eq!(host.version_of_steady().await, "found by version 2");
    let host = host.restart(|_| {});
    assert_eq!(host.version_of_steady().await, "found by version 2");
}

#[tokio::test]
async fn rollback_keeps_the_version_in_use_instead_of_a_refused_file() {
    let host = TestHost::start();
    let reload = host.reload(|config| replace_file(&config.join("steady.wasm"), b"no component")).await;
    assert_eq!(reload["outcome"], "failed");
    let row = host.plugin_row("steady");
    assert!(row["why"].as_str().unwrap().contains("not a WebAssembly component"), "{row}");
    assert_eq!(host.run_plugin_command(&["rollback", "steady"]).code, Some(0));
    host.wait_for_ready(|ready| ready["last_reload"]["outcome"] == "ok").await;
    let host = host.restart(|_| {});
    assert_eq!(host.version_of_steady().await, "found by version 1");
}

#[tokio::test]
async fn impossible_rollback_gives_the_reason() {
    let host = TestHost::start();
    for (name, expected) in
        [("steady", "there is no earlier version"), ("mock", "there is no plugin `mock`"), ("nosuch", "steady, viewer")]
    {
        let output = host.run_plugin_command(&["rollback", name]);
        assert_eq!(output.code, Some(1), "{name}");
        assert!(output.stderr.contains(expected), "{name}: {}", output.stderr);
    }
    let pinned = with_version(STEADY, 2);
    let reload = host
        .reload(|config| {
            replace_file(&config.join("steady.wasm"), &pinned);
            let entry = format!("file: steady.wasm, sha256: \"{}\"", sha256_hex(&pinned));
            write_server_yaml(config, &SERVER.replace("file: steady.wasm", &entry));
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let output = host.run_plugin_command(&["rollback", "steady"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("pins `steady`"), "{}", output.stderr);
    assert_eq!(host.version_of_steady().await, "found by version 2");
}

#[tokio::test]
async fn plugin_list_works_while_the_configuration_is_invalid() {
    let host = TestHost::start();
    assert_eq!(host.reload(|config| replace_file(&config.join("scanners.yaml"), "mock: [")).await["outcome"], "failed");
    let row = host.plugin_row("viewer");
    let expected = json!({
        "name": "viewer", "kind": "profile", "world": row["world"], "version": "1.1.0",
        "sha256": sha256_hex(scanhost_it::guests::VIEWER), "generation": 1, "state": "active", "why": null,
    });
    assert_eq!(row, expected);
    assert!(row["world"].as_str().unwrap().starts_with("scanhost:profile@"), "{row}");
}

#[tokio::test]
async fn new_version_that_keeps_failing_is_rolled_back() {
    let host = TestHost::start();
    assert_eq!(host.version_of_steady().await, "found by version 1");
    host.swap_steady(&with_failing_status(&with_version(STEADY, 2))).await;
    for _ in 0..5 {
        assert_eq!(host.run_scan().await["error"]["code"], "plugin");
    }
    host.wait_for_ready(|ready| {
        ready["plugins"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["name"] == "steady" && row["digest"] == sha256_hex(STEADY).as_str())
    })
    .await;
    assert_eq!(host.version_of_steady().await, "found by version 1");
    let row = host.plugin_row("steady");
    assert_eq!(row["state"], "rolled back", "{row}");
    assert!(row["why"].as_str().unwrap().contains("failed"), "{row}");
}

#[tokio::test]
async fn automatic_rollback_is_abandoned_when_the_file_has_changed() {
    let host = TestHost::start();
    host.swap_steady(&with_failing_status(&with_version(STEADY, 2))).await;
    let reload = host.reload(|config| replace_file(&config.join("steady.wasm"), &STEADY[..STEADY.len() / 2])).await;
    assert_eq!(reload["outcome"], "failed", "{reload}");
    for _ in 0..5 {
        assert_eq!(host.run_scan().await["error"]["code"], "plugin");
    }
    wait_until("the log line about the abandoned rollback", || {
        host.server.log().contains("another version of `steady` was put in place in the meantime")
    })
    .await;
    assert_ne!(host.plugin_row("steady")["state"], "rolled back");
    host.swap_steady(&with_version(STEADY, 3)).await;
    assert_eq!(host.version_of_steady().await, "found by version 3");
}

#[tokio::test]
async fn failing_plugin_without_another_version_is_quarantined_and_delays_no_other_scan() {
    let home = home();
    fs::write(home.config().join("steady.wasm"), with_other_digest(&with_failing_status(STEADY), b'q')).unwrap();
    let host = TestHost::start_on(home);
    // The first quarantine is short, and the next one is twice as long.
    for _ in 0..6 {
        assert_eq!(host.run_scan().await["error"]["code"], "plugin");
    }
    let mut row = host.plugin_row("steady");
    while row["state"] == "active" {
        // On a slow machine the quarantine may be over already. One more fault begins another, which is twice as long.
        assert_eq!(host.run_scan().await["error"]["code"], "plugin");
        row = host.plugin_row("steady");
    }
    assert_eq!(row["state"], "quarantined", "{row}");
    let ready = host.server.ready().await;
    let entry = ready["plugins"].as_array().unwrap().iter().find(|entry| entry["name"] == "steady").unwrap();
    assert_eq!((&ready["status"], &entry["ok"]), (&json!("degraded"), &json!(false)), "{ready}");
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
    let id = host.mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].clone();
    let other = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "mock" });
    let other = host.mcp.call_ok("run_untrusted_scan", other).await["task_id"].as_str().unwrap().to_owned();
    assert_eq!(host.mcp.wait_for_end(&other, SCAN_TIMEOUT).await["status"], "completed");
    let status = host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "queued", "{status}");
    // A new version starts at once, without waiting for the end of the quarantine.
    host.swap_steady(&with_version(STEADY, 2)).await;
    assert_eq!(host.mcp.wait_for_end(id.as_str().unwrap(), SCAN_TIMEOUT).await["status"], "completed");
}
