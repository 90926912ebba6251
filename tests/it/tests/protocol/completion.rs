//! Completion of every argument that has a list of values.

use scanhost_it::raw::submit;
use serde_json::{Value, json};

use crate::Desk;

const RESULTS: &str = "scan://{task_id}/results{?page,page_size,skip,schema_profile,custom_fields,filters}";

fn prompt(name: &str) -> Value {
    json!({ "type": "ref/prompt", "name": name })
}

fn template(uri: &str) -> Value {
    json!({ "type": "ref/resource", "uri": uri })
}

impl Desk {
    async fn complete(&self, reference: Value, name: &str, typed: &str, given: Value) -> Vec<String> {
        let asked = json!({ "ref": reference, "argument": { "name": name, "value": typed },
            "context": { "arguments": given } });
        let completed = self.method("completion/complete", asked).await;
        let completion = &completed["completion"];
        assert_eq!(completion["hasMore"], false, "{completed}");
        let values = completion["values"].as_array().expect("values");
        assert_eq!(completion["total"], values.len(), "{completed}");
        values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
    }
}

#[tokio::test]
async fn ids_are_completed_by_their_beginning_and_by_the_name_of_the_scan() {
    let desk = Desk::new();
    let done = desk.scanned().await;
    let running = submit(&desk.mcp, json!({ "scanner_pool": "slow", "name": "Quarterly audit" })).await;
    let every = [running.clone(), done.clone()];
    let status = || template("scan://{task_id}");
    assert_eq!(desk.complete(status(), "task_id", "", json!({})).await, every);
    assert_eq!(desk.complete(status(), "task_id", "quarterly", json!({})).await, [running.as_str()]);
    assert_eq!(desk.complete(status(), "task_id", &running[..26].to_lowercase(), json!({})).await, [running]);
    assert_eq!(desk.complete(status(), "task_id", "nosuch", json!({})).await, [""; 0]);
    for (name, argument) in [
        ("triage_scan", "task_id"),
        ("remediation_plan", "task_id"),
        ("compare_scans", "task_id"),
        ("compare_scans", "baseline_task_id"),
    ] {
        let completed = desk.complete(prompt(name), argument, "", json!({})).await;
        assert_eq!(completed, [done.as_str()], "{name} is about scans with findings");
    }
}

#[tokio::test]
async fn names_of_the_configuration_are_completed() {
    let desk = Desk::new();
    let scanner = || template("scanner://{pool}/{instance}");
    let pools = desk.complete(scanner(), "pool", "", json!({})).await;
    assert_eq!(pools, ["mock", "brief", "broken", "slow"]);
    assert_eq!(desk.complete(scanner(), "pool", "b", json!({})).await, ["brief", "broken"]);
    assert_eq!(desk.complete(scanner(), "instance", "", json!({ "pool": "slow" })).await, ["s1"]);
    assert_eq!(desk.complete(scanner(), "instance", "", json!({})).await.len(), 4);
    let profiles = desk.complete(template("profile://{name}"), "name", "", json!({})).await;
    assert_eq!(profiles, ["minimal", "summary", "brief", "full", "triage"]);
    assert_eq!(desk.complete(template(RESULTS), "schema_profile", "MIN", json!({})).await, ["minimal"]);
}

#[tokio::test]
async fn field_names_are_completed_one_after_the_other() {
    let desk = Desk::new();
    let known = desk.complete(template(RESULTS), "custom_fields", "sev", json!({})).await;
    assert_eq!(known, ["severity", "severity_id"]);
    let next = desk.complete(template(RESULTS), "custom_fields", "severity,ho", json!({})).await;
    assert!(next.contains(&"severity,host".to_owned()), "{next:?}");
    let id = desk.scanned().await;
    let all = desk.complete(template(RESULTS), "custom_fields", "", json!({ "task_id": id })).await;
    let full = desk.mcp.results(json!({ "task_id": id, "schema_profile": "full", "page_size": 10 })).await;
    assert_eq!(json!(all), full[0]["fields"], "those that this report has");
    let number = desk.complete(template(RESULTS), "page", "1", json!({})).await;
    assert!(number.is_empty(), "there is no list of numbers");
}

#[tokio::test]
async fn what_cannot_be_completed_is_refused() {
    let desk = Desk::new();
    for (reference, name) in
        [(prompt("nosuch"), "task_id"), (prompt("triage_scan"), "nosuch"), (template("scan://nosuch"), "task_id")]
    {
        let asked = json!({ "ref": reference, "argument": { "name": name, "value": "" } });
        let error = desk.mcp.method("completion/complete", asked.clone()).await.expect_err("refused");
        assert_eq!(error["code"], -32602, "{asked}: {error}");
    }
}
