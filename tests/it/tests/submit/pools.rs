//! The tools that describe pools, queues, scanners and profiles.

use scanhost_it::scans::{submit, wait_for_status};
use serde_json::{Value, json};

use crate::TestHost;

const SCANNERS: &str = "
main: [{instance_id: a, backend: mock, max_concurrent_scans: 1, options: {duration_seconds: 3600}},
       {instance_id: b, name: Second, backend: mock, enabled: false, max_concurrent_scans: 5}]
broken: [{instance_id: c, backend: mock, options: {duration_seconds: 0, fail_at: status}}]
";

#[tokio::test]
async fn list_pools_has_queues_and_the_default_pool() {
    let host = TestHost::start(SCANNERS, "default_pool: broken\n");
    let running = submit(&host.mcp, json!({ "scanner_pool": "main" })).await;
    wait_for_status(&host.mcp, &running, "running").await;
    submit(&host.mcp, json!({ "scanner_pool": "main" })).await;
    let expected = json!({
        "pools": [
            { "name": "main", "queue_depth": 1, "paused": false, "scanners": ["a", "b"] },
            { "name": "broken", "queue_depth": 0, "paused": false, "scanners": ["c"] },
        ],
        "default_pool": "broken",
    });
    assert_eq!(host.mcp.call_ok("list_pools", json!({})).await, expected);
}

#[tokio::test]
async fn pool_and_queue_status_count_running_queued_and_failed_scans() {
    let host = TestHost::start(SCANNERS, "");
    let running = submit(&host.mcp, json!({})).await;
    wait_for_status(&host.mcp, &running, "running").await;
    let waiting = submit(&host.mcp, json!({ "name": "waits" })).await;
    let pool = host.mcp.call_ok("get_pool_status", json!({})).await;
    let usage =
        json!({ "capacity": pool["capacity"], "active": pool["active"], "utilization_pct": pool["utilization_pct"] });
    assert_eq!(
        usage,
        json!({ "capacity": 1, "active": 1, "utilization_pct": 100.0 }),
        "a disabled scanner adds no capacity"
    );
    let queue = host.mcp.call_ok("get_queue_status", json!({ "scanner_pool": "main" })).await;
    assert_eq!((&queue["queue_depth"], &queue["dead_letters"]), (&json!(1), &json!(0)));
    assert_eq!(queue["next"], json!([{ "task_id": waiting, "name": "waits" }]));
    assert!(queue["oldest_wait_seconds"].as_u64() < Some(60), "{queue}");
    let failed = submit(&host.mcp, json!({ "scanner_pool": "broken" })).await;
    wait_for_status(&host.mcp, &failed, "failed").await;
    let queue = host.mcp.call_ok("get_queue_status", json!({ "scanner_pool": "broken" })).await;
    assert_eq!((&queue["dead_letters"], &queue["next"]), (&json!(1), &json!([])), "a failed scan is a dead letter");
    let pool = host.mcp.call_ok("get_pool_status", json!({ "scanner_pool": "broken" })).await;
    assert_eq!((&pool["active"], &pool["utilization_pct"]), (&json!(0), &json!(0.0)));
}

#[tokio::test]
async fn list_scanners_has_no_credentials() {
    let scanners = "nessus: [{instance_id: n1, name: Lab, url: 'http://127.0.0.1:9', \
        auth: {access_key: 'access-key-of-the-lab', secret_key: 'secret-key-of-the-lab'}}]\n\
        mock: [{instance_id: m1, enabled: false}]\n";
    let host = TestHost::start(scanners, "");
    let listed = host.mcp.call_ok("list_scanners", json!({})).await;
    let scanners = listed["scanners"].as_array().expect("a list");
    let names: Vec<_> =
        scanners.iter().map(|scanner| (&scanner["pool"], &scanner["instance_id"], &scanner["name"])).collect();
    assert_eq!(names, [(&json!("nessus"), &json!("n1"), &json!("Lab")), (&json!("mock"), &json!("m1"), &json!("m1"))]);
    let nessus = &scanners[0];
    assert_eq!((&nessus["backend"], &nessus["enabled"]), (&json!("nessus"), &json!(true)));
    assert!(nessus["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:9")), "{nessus}");
    assert_eq!((&nessus["active_scans"], &nessus["max_concurrent_scans"]), (&json!(0), &json!(2)));
    assert!(nessus["up"].is_boolean() && nessus["circuit"].is_string(), "{nessus}");
    assert_eq!(scanners[1]["enabled"], false);
    assert!(!listed.to_string().contains("-of-the-lab"), "{listed}");
    let one = host.mcp.call_ok("list_scanners", json!({ "scanner_pool": "mock" })).await;
    assert_eq!(one["scanners"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn list_profiles_has_field_types_and_standing_filters() {
    let profiles_yaml = "soc: {fields: [host, cvss_score], filters: {severity: '>=High'}}\n";
    let host = TestHost::with_instant_scans();
    host.home.write("profiles.yaml", profiles_yaml);
    drop(host.server);
    let server = host.home.start();
    let listed = server.mcp().call_ok("list_profiles", json!({})).await;
    let profiles = listed["profiles"].as_array().expect("a list");
    let profile = |name: &str| profiles.iter().find(|profile| profile["name"] == name).expect("the profile is listed");
    assert_eq!(profiles.len(), 6, "{listed}");
    let names = |profile: &Value| -> Vec<Value> {
        profile["fields"].as_array().expect("a list").iter().map(|field| field["name"].clone()).collect()
    };
    let minimal = ["host", "plugin_id", "severity", "cve", "cvss_score", "exploit_available"];
    assert_eq!(json!(names(profile("minimal"))), json!(minimal));
    assert_eq!(names(profile("summary")).len(), 9);
    assert_eq!(names(profile("brief")).len(), 11);
    assert_eq!(profile("full")["fields"], "all");
    let soc = profile("soc");
    assert_eq!(soc["filters"], json!({ "severity": ">=High" }));
    assert_eq!(soc["fields"][1]["type"], "number");
    assert!(soc["fields"][1]["description"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(profile("brief")["filters"], json!({}));
    for profile in profiles {
        assert_eq!(
            profile["digest"].as_str().map(|digest| digest.trim_start_matches("sha256:").len()),
            Some(64),
            "{profile}"
        );
        assert!(profile["generation"].is_u64() && profile["version"].is_string(), "{profile}");
    }
}
