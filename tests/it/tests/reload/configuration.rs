//! Changes of the configuration that take effect without a restart.

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use scanhost_it::{
    guests::{STEADY, VIEWER, with_version},
    mcp::McpClient,
    output::Output,
    scans::submit,
    server::{Home, replace_file},
    testbed::SCAN_TIMEOUT,
};
use serde_json::{Value, json};

use crate::test_host::{SCANNERS, TestHost, home};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[tokio::test]
async fn pools_profiles_and_plugins_change_together() {
    let host = TestHost::start();
    let reload = host
        .reload(|config| {
            replace_file(&config.join("profiles.yaml"), "ports: {fields: [host, port]}\n");
            replace_file(&config.join("viewer.wasm"), with_version(VIEWER, 2));
            replace_file(&config.join("scanners.yaml"), format!("{SCANNERS}mock_dmz: [{{instance_id: m2}}]\n"));
        })
        .await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    let pools = host.mcp.call_ok("list_pools", json!({})).await["pools"].clone();
    let names: Vec<&str> = pools.as_array().unwrap().iter().map(|pool| pool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["mock", "steady", "mock_dmz"]);
    let profiles = host.mcp.call_ok("list_profiles", json!({})).await["profiles"].clone();
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
    assert_eq!(host.versions_in_use().await, ("found by version 1".to_owned(), 2));
}

#[tokio::test]
async fn changed_profile_definition_makes_a_new_generation() {
    let host = TestHost::start();
    let profile = async |definition: &str| {
        let reload = host.reload(|config| replace_file(&config.join("profiles.yaml"), definition)).await;
        assert_eq!(reload["outcome"], "ok", "{reload}");
        let profiles = host.mcp.call_ok("list_profiles", json!({})).await["profiles"].clone();
        let ports = profiles.as_array().unwrap().iter().find(|profile| profile["name"] == "ports").unwrap().clone();
        (ports["fields"].as_array().unwrap().len(), ports["generation"].as_u64().unwrap())
    };
    assert_eq!(profile("ports: {fields: [host]}").await, (1, 1));
    assert_eq!(profile("ports: {fields: [host, port]}").await, (2, 2));
    assert_eq!(profile("other: {fields: [cve]}\nports: {fields: [host, port]}").await, (2, 2));
}

#[tokio::test]
async fn queued_scan_survives_a_brief_removal_of_its_pool_and_fails_after_a_long_one() {
    const BOTH: &str = "mock: [{instance_id: m1}]\ngone: [{instance_id: g1, backend: mock}]\n";
    const ONE: &str = "mock: [{instance_id: m1}]\n";
    let home = Home::new(&[("scanners.yaml", BOTH)]);
    let server = home.start();
    let mcp = server.mcp();
    let paused = Output::run(home.command(&["queue", "pause", "gone", "--config", "config"]));
    assert_eq!(paused.code, Some(0), "{}", paused.stderr);
    let id = submit(&mcp, json!({ "scanner_pool": "gone" })).await;
    let change_pools = async |home: &Home, mcp: &McpClient, scanners: &str, count: usize| {
        replace_file(&home.config().join("scanners.yaml"), scanners);
        let is_in_effect =
            || async { mcp.call_ok("list_pools", json!({})).await["pools"].as_array().unwrap().len() == count };
        while !is_in_effect().await {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    change_pools(&home, &mcp, ONE, 1).await;
    change_pools(&home, &mcp, BOTH, 2).await;
    assert_eq!(mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["status"], "queued");
    // The next server has short timeouts, so that it soon gives up waiting for the pool.
    assert_eq!(server.terminate(), Some(0));
    let home = home.with_short_timeouts();
    let server = home.start();
    let mcp = server.mcp();
    change_pools(&home, &mcp, ONE, 1).await;
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("failed"), &json!("configuration")), "{status}");
}

#[tokio::test]
async fn queued_scan_starts_on_an_added_scanner() {
    let host = TestHost::start();
    let endless = "mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]\nsteady: [{instance_id: s1}]\n";
    assert_eq!(host.reload(|config| replace_file(&config.join("scanners.yaml"), endless)).await["outcome"], "ok");
    let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "mock" });
    host.mcp.call_ok("run_untrusted_scan", arguments.clone()).await;
    let waiting = host.mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
    let added = endless.replace("}}]\nsteady", "}}, {instance_id: m2, options: {duration_seconds: 0}}]\nsteady");
    assert_eq!(host.reload(|config| replace_file(&config.join("scanners.yaml"), added)).await["outcome"], "ok");
    let ended = host.mcp.wait_for_end(&waiting, SCAN_TIMEOUT).await;
    assert_eq!((&ended["status"], &ended["scanner_instance"]), (&json!("completed"), &json!("m2")), "{ended}");
}

#[tokio::test]
async fn added_and_removed_tokens_take_effect() {
    let host = TestHost::start();
    let server = host.config().join("scanhost.yaml");
    let before = fs::read_to_string(&server).unwrap();
    let with_token = format!("{before}tokens: [{{name: ci, scopes: [\"scan:read\"], token: first-token}}]\n");
    replace_file(&server, with_token);
    // On a server with tokens, `/ready` without a token shows only its status.
    let shows_all = async |token: Option<&str>| {
        let request = host.mcp.http().get(format!("{}/ready", host.server.url()));
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        request.send().await.unwrap().json::<Value>().await.unwrap()["plugins"].is_array()
    };
    let start = std::time::Instant::now();
    while shows_all(None).await {
        assert!(start.elapsed() < SCAN_TIMEOUT, "the server does not require the token yet");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(shows_all(Some("first-token")).await);
    replace_file(&server, before);
    while !shows_all(None).await {
        assert!(start.elapsed() < SCAN_TIMEOUT, "the server still requires the token");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn sighup_reloads_and_changes_nothing_by_itself() {
    let host = TestHost::start();
    let reload = host.reload(|_| host.server.send_sighup()).await;
    assert_eq!(reload["outcome"], "ok", "{reload}");
    assert_eq!(host.versions_in_use().await, ("found by version 1".to_owned(), 1));
    assert_eq!(
        (host.generation("steady").await, host.generation("viewer").await),
        (1, 1),
        "no plugin has a new generation"
    );
}

// Kubernetes mounts configurations like this: every file is a link into `..data`, which is itself a link to a folder
// with a date in its name, and an update swaps that one link.
#[tokio::test]
async fn swapped_link_is_followed() {
    let home = home();
    let config = home.config();
    let make_folder = |folder: &str, component: &[u8]| {
        let folder = config.join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("steady.wasm"), component).unwrap();
    };
    let swap_link = |folder: &str| {
        let (link, new_link) = (config.join("..data"), config.join("..data_new"));
        symlink(folder, &new_link).unwrap();
        fs::rename(new_link, link).unwrap();
    };
    make_folder("..first", STEADY);
    swap_link("..first");
    fs::remove_file(config.join("steady.wasm")).unwrap();
    symlink(Path::new("..data/steady.wasm"), config.join("steady.wasm")).unwrap();
    let host = TestHost::start_on(home);
    assert_eq!(host.versions_in_use().await.0, "found by version 1");
    make_folder("..second", b"no component");
    assert_eq!(host.reload(|_| swap_link("..second")).await["outcome"], "failed");
    assert_eq!(host.versions_in_use().await.0, "found by version 1");
    make_folder("..third", &with_version(STEADY, 3));
    assert_eq!(host.reload(|_| swap_link("..third")).await["outcome"], "ok");
    assert_eq!(host.versions_in_use().await.0, "found by version 3");
    let inside = host.config().join("..third/steady.wasm");
    assert_eq!(host.reload(|_| replace_file(&inside, with_version(STEADY, 4))).await["outcome"], "ok");
    assert_eq!(host.versions_in_use().await.0, "found by version 4");
}
