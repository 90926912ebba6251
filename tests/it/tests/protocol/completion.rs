//! Completion of arguments that have a known list of values.

use scanhost_it::scans::submit;
use serde_json::{Value, json};

use crate::TestHost;

const RESULTS: &str = "scan://{task_id}/results{?page,page_size,skip,schema_profile,custom_fields,filters}";

fn prompt(name: &str) -> Value {
    json!({ "type": "ref/prompt", "name": name })
}

fn template(uri: &str) -> Value {
    json!({ "type": "ref/resource", "uri": uri })
}

impl TestHost {
    async fn complete(&self, reference: Value, name: &str, value: &str, given: Value) -> Vec<String> {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": value },
            "context": { "arguments": given } });
        let completed = self.call_method("completion/complete", params).await;
        let completion = &completed["completion"];
        assert_eq!(completion["hasMore"], false, "{completed}");
        let values = completion["values"].as_array().expect("values");
        assert_eq!(completion["total"], values.len(), "{completed}");
        values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
    }
}

#[tokio::test]
async fn task_ids_are_completed_by_prefix_and_by_scan_name() {
    let host = TestHost::start();
    let done = host.run_scan().await;
    let running = submit(&host.mcp, json!({ "scanner_pool": "slow", "name": "Quarterly audit" })).await;
    let every = [running.clone(), done.clone()];
    let status = || template("scan://{task_id}");
    assert_eq!(host.complete(status(), "task_id", "", json!({})).await, every);
    assert_eq!(host.complete(status(), "task_id", "quarterly", json!({})).await, [running.as_str()]);
    assert_eq!(host.complete(status(), "task_id", &running[..26].to_lowercase(), json!({})).await, [running]);
    assert_eq!(host.complete(status(), "task_id", "nosuch", json!({})).await, [""; 0]);
    for (name, argument) in [
        ("triage_scan", "task_id"),
        ("remediation_plan", "task_id"),
        ("compare_scans", "task_id"),
        ("compare_scans", "baseline_task_id"),
    ] {
        let completed = host.complete(prompt(name), argument, "", json!({})).await;
        assert_eq!(completed, [done.as_str()], "{name} completes only scans with findings");
    }
}

#[tokio::test]
async fn names_of_pools_scanners_and_profiles_are_completed() {
    let host = TestHost::start();
    let scanner = || template("scanner://{pool}/{instance}");
    let pools = host.complete(scanner(), "pool", "", json!({})).await;
    assert_eq!(pools, ["mock", "brief", "broken", "slow"]);
    assert_eq!(host.complete(scanner(), "pool", "b", json!({})).await, ["brief", "broken"]);
    assert_eq!(host.complete(scanner(), "instance", "", json!({ "pool": "slow" })).await, ["s1"]);
    assert_eq!(host.complete(scanner(), "instance", "", json!({})).await.len(), 4);
    let profiles = host.complete(template("profile://{name}"), "name", "", json!({})).await;
    assert_eq!(profiles, ["minimal", "summary", "brief", "full", "triage"]);
    assert_eq!(host.complete(template(RESULTS), "schema_profile", "MIN", json!({})).await, ["minimal"]);
}

#[tokio::test]
async fn last_of_several_field_names_is_completed() {
    let host = TestHost::start();
    let fields = host.complete(template(RESULTS), "custom_fields", "sev", json!({})).await;
    assert_eq!(fields, ["severity", "severity_id"]);
    let next = host.complete(template(RESULTS), "custom_fields", "severity,ho", json!({})).await;
    assert!(next.contains(&"severity,host".to_owned()), "{next:?}");
    let id = host.run_scan().await;
    let all = host.complete(template(RESULTS), "custom_fields", "", json!({ "task_id": id })).await;
    let full = host.mcp.results(json!({ "task_id": id, "schema_profile": "full", "page_size": 10 })).await;
    assert_eq!(json!(all), full[0]["fields"], "the fields of this report");
    let number = host.complete(template(RESULTS), "page", "1", json!({})).await;
    assert!(number.is_empty(), "a number has no completions");
}

#[tokio::test]
async fn unknown_reference_or_argument_is_refused() {
    let host = TestHost::start();
    for (reference, name) in
        [(prompt("nosuch"), "task_id"), (prompt("triage_scan"), "nosuch"), (template("scan://nosuch"), "task_id")]
    {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": "" } });
        let error = host.mcp.call_method("completion/complete", params.clone()).await.expect_err("refused");
        assert_eq!(error["code"], -32602, "{params}: {error}");
    }
}
