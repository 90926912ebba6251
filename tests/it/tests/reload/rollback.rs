//! Back to the last good version, by an operator or by the host itself, also after a restart.

use std::fs;

use scanhost_it::{
    guests::{STEADY, failing, relabelled, version},
    lab::{SCAN_TIME, sha256, wait_until},
    server::replace,
};
use serde_json::{Value, json};

use crate::plant::{Plant, SERVER, home, rewrite};

impl Plant {
    /// The row of this plugin that is not of an old version.
    fn present(&self, name: &str) -> Value {
        self.listed().into_iter().find(|row| row["name"] == name && row["state"] != "draining").unwrap()
    }

    async fn swapped_to(&self, component: &[u8]) {
        let reload = self.reload(|config| replace(&config.join("steady.wasm"), component)).await;
        assert_eq!(reload["outcome"], "ok", "{reload}");
    }

    async fn steady(&self) -> String {
        self.versions().await.0
    }

    /// Stops the server, lets this happen, and starts it again.
    fn restarted(self, between: impl FnOnce(&std::path::Path)) -> Self {
        let Self { home, server, .. } = self;
        assert_eq!(server.terminate(), Some(0));
        between(&home.config());
        Self::on(home)
    }

    /// Submits a scan to the pool `steady` and returns how it ended.
    async fn scanned(&self) -> Value {
        let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
        let id = self.mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
        self.mcp.ended(&id, SCAN_TIME).await
    }
}

#[tokio::test]
async fn an_operator_goes_back_also_over_a_restart_until_the_file_changes() {
    let plant = Plant::new();
    plant.swapped_to(&version(STEADY, 2)).await;
    assert_eq!(plant.steady().await, "found by version 2");

    let output = plant.plugin(&["rollback", "steady"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&answer["sha256"], &answer["generation"]), (&json!(sha256(STEADY)), &json!(3)));
    assert_eq!(plant.steady().await, "found by version 1");
    let row = plant.present("steady");
    assert_eq!((&row["state"], &row["version"]), (&json!("rolled back"), &json!("1.1.0")), "{row}");
    assert!(row["why"].as_str().unwrap().contains("operator"), "{row}");

    let plant = plant.restarted(|_| {});
    assert_eq!(plant.steady().await, "found by version 1");
    // Another change of the configuration does not end it.
    let text = fs::read_to_string(plant.config().join("scanners.yaml")).unwrap() + "mock_two: [{instance_id: m2}]\n";
    assert_eq!(plant.reload(|config| replace(&config.join("scanners.yaml"), text)).await["outcome"], "ok");
    assert_eq!(plant.steady().await, "found by version 1");

    plant.swapped_to(&version(STEADY, 3)).await;
    assert_eq!(plant.steady().await, "found by version 3");
    assert_eq!(plant.present("steady")["state"], "active");
}

#[tokio::test]
async fn the_file_is_taken_again_when_the_operator_says_so() {
    let plant = Plant::new();
    plant.swapped_to(&version(STEADY, 2)).await;
    assert_eq!(plant.plugin(&["rollback", "steady", "--clear"]).code, Some(1), "there is nothing to clear");
    assert_eq!(plant.plugin(&["rollback", "steady"]).code, Some(0));
    assert_eq!(plant.plugin(&["rollback", "steady", "--clear"]).code, Some(0));
    assert_eq!(plant.steady().await, "found by version 2");
    let plant = plant.restarted(|_| {});
    assert_eq!(plant.steady().await, "found by version 2");
}

#[tokio::test]
async fn what_serves_is_kept_in_the_place_of_a_file_that_was_refused() {
    let plant = Plant::new();
    let reload = plant.reload(|config| replace(&config.join("steady.wasm"), b"no component")).await;
    assert_eq!(reload["outcome"], "failed");
    let row = plant.present("steady");
    assert!(row["why"].as_str().unwrap().contains("not a WebAssembly component"), "{row}");
    assert_eq!(plant.plugin(&["rollback", "steady"]).code, Some(0));
    plant.ready_when(|ready| ready["last_reload"]["outcome"] == "ok").await;
    let plant = plant.restarted(|_| {});
    assert_eq!(plant.steady().await, "found by version 1");
}

#[tokio::test]
async fn what_cannot_be_gone_back_to_is_told() {
    let plant = Plant::new();
    for (name, says) in
        [("steady", "no other version"), ("mock", "there is no plugin `mock`"), ("nosuch", "steady, viewer")]
    {
        let output = plant.plugin(&["rollback", name]);
        assert_eq!(output.code, Some(1), "{name}");
        assert!(output.stderr.contains(says), "{name}: {}", output.stderr);
    }
    let pinned = version(STEADY, 2);
    let reload = plant
        .reload(|config| {
            replace(&config.join("steady.wasm"), &pinned);
            let entry = format!("file: steady.wasm, sha256: \"{}\"", sha256(&pinned));
            rewrite(config, &SERVER.replace("file: steady.wasm", &entry));
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let output = plant.plugin(&["rollback", "steady"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("pins `steady`"), "{}", output.stderr);
    assert_eq!(plant.steady().await, "found by version 2");
}

#[tokio::test]
async fn the_list_is_there_while_the_configuration_is_broken() {
    let plant = Plant::new();
    assert_eq!(plant.reload(|config| replace(&config.join("scanners.yaml"), "mock: [")).await["outcome"], "failed");
    let row = plant.present("viewer");
    let expected = json!({
        "name": "viewer", "kind": "profile", "world": row["world"], "version": "1.1.0",
        "sha256": sha256(scanhost_it::guests::VIEWER), "generation": 1, "state": "active", "why": null,
    });
    assert_eq!(row, expected);
    assert!(row["world"].as_str().unwrap().starts_with("scanhost:profile@"), "{row}");
}

#[tokio::test]
async fn a_new_version_that_fails_again_and_again_makes_room_for_the_last_good_one() {
    let plant = Plant::new();
    assert_eq!(plant.steady().await, "found by version 1");
    plant.swapped_to(&failing(&version(STEADY, 2))).await;
    for _ in 0..5 {
        assert_eq!(plant.scanned().await["error"]["code"], "plugin");
    }
    plant
        .ready_when(|ready| {
            ready["plugins"]
                .as_array()
                .unwrap()
                .iter()
                .any(|row| row["name"] == "steady" && row["digest"] == sha256(STEADY).as_str())
        })
        .await;
    assert_eq!(plant.steady().await, "found by version 1");
    let row = plant.present("steady");
    assert_eq!(row["state"], "rolled back", "{row}");
    assert!(row["why"].as_str().unwrap().contains("failed"), "{row}");
}

#[tokio::test]
async fn nothing_is_gone_back_from_where_another_file_has_come() {
    let plant = Plant::new();
    plant.swapped_to(&failing(&version(STEADY, 2))).await;
    let reload = plant.reload(|config| replace(&config.join("steady.wasm"), &STEADY[..STEADY.len() / 2])).await;
    assert_eq!(reload["outcome"], "failed", "{reload}");
    for _ in 0..5 {
        assert_eq!(plant.scanned().await["error"]["code"], "plugin");
    }
    wait_until("the verdict", || plant.server.log().contains("another version of `steady` has come meanwhile")).await;
    assert_ne!(plant.present("steady")["state"], "rolled back");
    plant.swapped_to(&version(STEADY, 3)).await;
    assert_eq!(plant.steady().await, "found by version 3");
}

#[tokio::test]
async fn one_that_has_nothing_to_go_back_to_rests_and_holds_up_nobody() {
    let home = home();
    fs::write(home.config().join("steady.wasm"), relabelled(&failing(STEADY), b'q')).unwrap();
    let plant = Plant::on(home);
    // The first rest is short: the next one is twice as long.
    for _ in 0..6 {
        assert_eq!(plant.scanned().await["error"]["code"], "plugin");
    }
    let mut row = plant.present("steady");
    while row["state"] == "active" {
        // On a slow machine the rest is over before anybody looks: one fault more begins another, twice as long.
        assert_eq!(plant.scanned().await["error"]["code"], "plugin");
        row = plant.present("steady");
    }
    assert_eq!(row["state"], "quarantined", "{row}");
    let ready = plant.server.ready().await;
    let entry = ready["plugins"].as_array().unwrap().iter().find(|entry| entry["name"] == "steady").unwrap();
    assert_eq!((&ready["status"], &entry["ok"]), (&json!("degraded"), &json!(false)), "{ready}");
    let waiting = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
    let id = plant.mcp.ok("run_untrusted_scan", waiting).await["task_id"].clone();
    let other = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "mock" });
    let other = plant.mcp.ok("run_untrusted_scan", other).await["task_id"].as_str().unwrap().to_owned();
    assert_eq!(plant.mcp.ended(&other, SCAN_TIME).await["status"], "completed");
    let status = plant.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "queued", "{status}");
    // A better version need not wait for the rest to end.
    plant.swapped_to(&version(STEADY, 2)).await;
    assert_eq!(plant.mcp.ended(id.as_str().unwrap(), SCAN_TIME).await["status"], "completed");
}
