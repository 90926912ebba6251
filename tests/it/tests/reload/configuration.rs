//! What takes effect without a restart.

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use scanhost_it::{
    guests::{STEADY, VIEWER, version},
    lab::SCAN_TIME,
    mcp::Mcp,
    output::Output,
    raw::submit,
    server::{Home, replace},
};
use serde_json::{Value, json};

use crate::plant::{Plant, SCANNERS, home};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

#[tokio::test]
async fn new_pools_profiles_and_plugins_are_in_effect_together() {
    let plant = Plant::new();
    let reload = plant
        .reload(|config| {
            replace(&config.join("profiles.yaml"), "ports: {fields: [host, port]}\n");
            replace(&config.join("viewer.wasm"), version(VIEWER, 2));
            replace(&config.join("scanners.yaml"), format!("{SCANNERS}mock_dmz: [{{instance_id: m2}}]\n"));
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let pools = plant.mcp.ok("list_pools", json!({})).await["pools"].clone();
    let names: Vec<&str> = pools.as_array().unwrap().iter().map(|pool| pool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["mock", "steady", "mock_dmz"]);
    let profiles = plant.mcp.ok("list_profiles", json!({})).await["profiles"].clone();
    let generation = |name: &str| {
        profiles
            .as_array()
            .unwrap()
            .iter()
            .find(|profile| profile["name"] == name)
            .map(|profile| &profile["generation"])
            .cloned()
    };
    assert_eq!(generation("ports"), Some(json!(1)));
    assert_eq!(generation("viewer"), Some(json!(2)));
    assert_eq!(generation("brief"), Some(json!(1)));
    assert_eq!(plant.versions().await, ("found by version 1".to_owned(), 2));
}

#[tokio::test]
async fn a_profile_whose_definition_changes_is_of_another_generation() {
    let plant = Plant::new();
    let profile = async |definition: &str| {
        let reload = plant.reload(|config| replace(&config.join("profiles.yaml"), definition)).await;
        assert_eq!(reload["outcome"], "ok", "{reload}");
        let profiles = plant.mcp.ok("list_profiles", json!({})).await["profiles"].clone();
        let ports = profiles.as_array().unwrap().iter().find(|profile| profile["name"] == "ports").unwrap().clone();
        (ports["fields"].as_array().unwrap().len(), ports["generation"].as_u64().unwrap())
    };
    assert_eq!(profile("ports: {fields: [host]}").await, (1, 1));
    assert_eq!(profile("ports: {fields: [host, port]}").await, (2, 2));
    assert_eq!(profile("other: {fields: [cve]}\nports: {fields: [host, port]}").await, (2, 2));
}

#[tokio::test]
async fn a_pool_that_is_gone_for_a_moment_loses_no_scan_and_one_that_stays_away_fails_its_own() {
    const BOTH: &str = "mock: [{instance_id: m1}]\ngone: [{instance_id: g1, backend: mock}]\n";
    const ONE: &str = "mock: [{instance_id: m1}]\n";
    let home = Home::new(&[("scanners.yaml", BOTH)]);
    let server = home.start();
    let mcp = server.mcp();
    let paused = Output::of(home.command(&["queue", "pause", "gone", "--config", "config"]));
    assert_eq!(paused.code, Some(0), "{}", paused.stderr);
    let id = submit(&mcp, json!({ "scanner_pool": "gone" })).await;
    let put = async |home: &Home, mcp: &Mcp, scanners: &str, count: usize| {
        replace(&home.config().join("scanners.yaml"), scanners);
        let has_come = || async { mcp.ok("list_pools", json!({})).await["pools"].as_array().unwrap().len() == count };
        while !has_come().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    put(&home, &mcp, ONE, 1).await;
    put(&home, &mcp, BOTH, 2).await;
    assert_eq!(mcp.ok("get_scan_status", json!({ "task_id": id })).await["status"], "queued");
    // To one that waits for it less long.
    assert_eq!(server.terminate(), Some(0));
    let home = home.hasty();
    let server = home.start();
    let mcp = server.mcp();
    put(&home, &mcp, ONE, 1).await;
    let status = mcp.ended(&id, SCAN_TIME).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("failed"), &json!("configuration")), "{status}");
}

#[tokio::test]
async fn a_waiting_scan_starts_on_a_scanner_that_is_added() {
    let plant = Plant::new();
    let endless = "mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]\nsteady: [{instance_id: s1}]\n";
    assert_eq!(plant.reload(|config| replace(&config.join("scanners.yaml"), endless)).await["outcome"], "ok");
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "mock" });
    plant.mcp.ok("run_untrusted_scan", arguments.clone()).await;
    let waiting = plant.mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
    let added = endless.replace("}}]\nsteady", "}}, {instance_id: m2, options: {duration_seconds: 0}}]\nsteady");
    assert_eq!(plant.reload(|config| replace(&config.join("scanners.yaml"), added)).await["outcome"], "ok");
    let ended = plant.mcp.ended(&waiting, SCAN_TIME).await;
    assert_eq!((&ended["status"], &ended["scanner_instance"]), (&json!("completed"), &json!("m2")), "{ended}");
}

#[tokio::test]
async fn tokens_are_in_effect() {
    let plant = Plant::new();
    let server = plant.config().join("scanhost.yaml");
    let before = fs::read_to_string(&server).unwrap();
    let with_token = format!("{before}tokens: [{{name: ci, scopes: [\"scan:read\"], token: first-token}}]\n");
    replace(&server, with_token);
    // Without a token, where there are any, `/ready` says only ready or not.
    let shows_all = async |token: Option<&str>| {
        let request = plant.mcp.http().get(format!("{}/ready", plant.server.url()));
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        request.send().await.unwrap().json::<Value>().await.unwrap()["plugins"].is_array()
    };
    let start = std::time::Instant::now();
    while shows_all(None).await {
        assert!(start.elapsed() < SCAN_TIME, "the token is not asked for");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(shows_all(Some("first-token")).await);
    replace(&server, before);
    while !shows_all(None).await {
        assert!(start.elapsed() < SCAN_TIME, "the token is asked for still");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_hang_up_reloads_and_ends_nothing() {
    let plant = Plant::new();
    let reload = plant.reload(|_| plant.server.hang_up()).await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    assert_eq!(plant.versions().await, ("found by version 1".to_owned(), 1));
    assert_eq!((plant.generation("steady").await, plant.generation("viewer").await), (1, 1), "nothing has changed");
}

/// As some orchestrators mount configurations: every file is a link into `..data`, which is a link to a folder with a
/// date in its name, and an update swaps that one link.
#[tokio::test]
async fn a_swapped_link_is_followed() {
    let home = home();
    let config = home.config();
    let mount = |folder: &str, component: &[u8]| {
        let folder = config.join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("steady.wasm"), component).unwrap();
    };
    let point = |folder: &str| {
        let (link, beside) = (config.join("..data"), config.join("..data_new"));
        symlink(folder, &beside).unwrap();
        fs::rename(beside, link).unwrap();
    };
    mount("..first", STEADY);
    point("..first");
    fs::remove_file(config.join("steady.wasm")).unwrap();
    symlink(Path::new("..data/steady.wasm"), config.join("steady.wasm")).unwrap();
    let plant = Plant::on(home);
    assert_eq!(plant.versions().await.0, "found by version 1");
    mount("..second", b"no component");
    assert_eq!(plant.reload(|_| point("..second")).await["outcome"], "failed");
    assert_eq!(plant.versions().await.0, "found by version 1");
    mount("..third", &version(STEADY, 3));
    assert_eq!(plant.reload(|_| point("..third")).await["outcome"], "ok");
    assert_eq!(plant.versions().await.0, "found by version 3");
    let inside = plant.config().join("..third/steady.wasm");
    assert_eq!(plant.reload(|_| replace(&inside, version(STEADY, 4))).await["outcome"], "ok");
    assert_eq!(plant.versions().await.0, "found by version 4");
}
