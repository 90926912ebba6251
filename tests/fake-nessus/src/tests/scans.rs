use super::*;

#[tokio::test]
async fn create_request_is_validated() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    let change = |pointer: &str, value: Value| {
        let mut body = create_body();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let table = [
        ("as documented", create_body(), 200),
        ("no body", Value::Null, 400),
        ("no template", change("/uuid", Value::Null), 400),
        ("an unknown template", change("/uuid", json!("bogus")), 400),
        ("no settings", change("/settings", Value::Null), 400),
        ("no name", change("/settings/name", json!(" ")), 400),
        ("no targets", change("/settings/text_targets", json!("")), 400),
        ("no folder named", change("/settings/folder_id", Value::Null), 200),
        ("an unknown folder", change("/settings/folder_id", json!(99)), 400),
    ];
    for (case, body, expected) in table {
        assert_eq!(client.status("POST", "/scans", body).await, expected, "{case}");
    }
}

#[tokio::test]
async fn scan_passes_through_its_states() {
    let (queue, work) = (Duration::from_secs(2), Duration::from_secs(3));
    let server = FakeNessus::start(Settings { queue_duration: queue, scan_duration: work, ..instant_scans() }).await;
    let client = Client::with_keys(&server);
    let id = client.create().await;
    let mut states = vec![client.state(id).await];
    client.json("POST", &format!("/scans/{id}/launch"), json!({})).await;
    let mut progress = Vec::new();
    while states.last().unwrap() != "completed" {
        let details = client.json("GET", &format!("/scans/{id}"), Value::Null).await;
        let state = details["info"]["status"].as_str().unwrap().to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
        let hosts = details["hosts"].as_array().unwrap();
        progress.push(hosts.iter().map(|host| host["scanprogresscurrent"].as_u64().unwrap()).sum::<u64>());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(states, ["empty", "pending", "running", "completed"]);
    assert!(progress.is_sorted() && progress.iter().any(|sum| (1..2000).contains(sum)), "{progress:?}");
    assert_eq!(progress.last(), Some(&2000));
}

#[tokio::test]
async fn completed_scan_counts_its_findings() {
    let report =
        "<Report><ReportItem severity=\"4\"/><ReportItem severity=\"4\"/><ReportItem port=\"1\"></ReportItem></Report>";
    let reports = crate::Reports::Same(report.into());
    let server = FakeNessus::start(Settings { reports, ..instant_scans() }).await;
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    let details = client.json("GET", &format!("/scans/{id}"), Value::Null).await;
    let sum =
        |key: &str| details["hosts"].as_array().unwrap().iter().map(|host| host[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(["critical", "high", "info"].map(sum), [2, 0, 1]);
}

#[tokio::test]
async fn number_of_hosts_can_be_set() {
    for (hosts, expected) in [(None, 2), (Some(0), 0), (Some(5), 5)] {
        let server = FakeNessus::start(Settings { hosts, ..instant_scans() }).await;
        let client = Client::with_keys(&server);
        let id = client.create_and_launch().await;
        let details = client.json("GET", &format!("/scans/{id}"), Value::Null).await;
        assert_eq!(details["hosts"].as_array().unwrap().len(), expected, "{hosts:?}");
    }
}

/// Sends these requests for one scan in order, and checks the status of each answer.
async fn check_statuses(settings: Settings, rows: &[(&str, &str, u16)]) {
    let server = FakeNessus::start(settings).await;
    let client = Client::with_keys(&server);
    let id = client.create().await;
    for (method, verb, expected) in rows {
        let path = format!("/scans/{id}{verb}");
        assert_eq!(client.status(method, &path, json!({})).await, *expected, "{method} {verb}");
    }
}

#[tokio::test]
async fn commands_depend_on_the_state() {
    check_statuses(
        slow_scans(),
        &[
            ("POST", "/stop", 409),
            ("POST", "/pause", 409),
            ("POST", "/launch", 200),
            ("POST", "/launch", 409),
            ("POST", "/resume", 409),
            ("DELETE", "", 409),
            ("POST", "/pause", 200),
            ("POST", "/pause", 409),
            ("DELETE", "", 409),
            ("POST", "/resume", 200),
            ("POST", "/stop", 200),
            ("POST", "/stop", 409),
            ("DELETE", "", 200),
            ("DELETE", "", 404),
            ("POST", "/launch", 404),
            ("POST", "/stop", 404),
            ("GET", "", 404),
        ],
    )
    .await;
}

#[tokio::test]
async fn launch_after_the_end_runs_again() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    let first = client.json("GET", &format!("/scans/{id}"), Value::Null).await["info"]["uuid"].clone();
    let second = client.json("POST", &format!("/scans/{id}/launch"), json!({})).await["scan_uuid"].clone();
    assert_ne!(first, second);
    assert_eq!(server.scans()[0].launches, 2);
}

#[tokio::test]
async fn scan_cannot_be_deleted_while_it_stops() {
    let server = FakeNessus::start(Settings { settle_duration: Duration::from_secs(2), ..slow_scans() }).await;
    let client = Client::with_keys(&server);
    let id = client.create_and_launch().await;
    assert_eq!(client.status("POST", &format!("/scans/{id}/stop"), Value::Null).await, 200);
    assert_eq!(client.state(id).await, "stopping");
    assert_eq!(client.status("DELETE", &format!("/scans/{id}"), Value::Null).await, 409);
    wait_until(async || client.state(id).await == "canceled").await;
    assert_eq!(client.status("DELETE", &format!("/scans/{id}"), Value::Null).await, 200);
}

#[tokio::test]
async fn list_has_folders_and_is_null_when_empty() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::with_keys(&server);
    assert_eq!(client.json("GET", "/scans", Value::Null).await["scans"], Value::Null);
    let id = client.create().await;
    let in_folder = async |folder: u64| {
        let list = client.json("GET", &format!("/scans?folder_id={folder}"), Value::Null).await;
        list["scans"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((in_folder(2).await, in_folder(3).await), (0, 1));
    assert_eq!(client.status("PUT", &format!("/scans/{id}/folder"), json!({ "folder_id": 2 })).await, 200);
    assert_eq!((in_folder(2).await, in_folder(3).await), (1, 0));
    assert_eq!(client.json("GET", "/scans", Value::Null).await["scans"][0]["id"], id);
}

#[tokio::test]
async fn edition_without_scan_api_refuses_only_writes() {
    let server = FakeNessus::start(Settings { scan_api: false, ..instant_scans() }).await;
    let client = Client::with_keys(&server);
    let properties = client.json("GET", "/server/properties", Value::Null).await;
    assert_eq!(properties["license"]["features"]["scan_api"], false);
    let refused = client.send("POST", "/scans", create_body()).await.unwrap();
    assert_eq!(refused.status(), 412);
    assert_eq!(refused.json::<Value>().await.unwrap(), json!({ "error": "API is not available" }));
    for (method, path, expected) in [("GET", "/scans", 200), ("GET", "/folders", 200), ("POST", "/scans/1/launch", 412)]
    {
        assert_eq!(client.status(method, path, Value::Null).await, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn advanced_template_has_its_name() {
    let advanced_template = "another-installation".to_owned();
    let server = FakeNessus::start(Settings { advanced_template: advanced_template.clone(), ..instant_scans() }).await;
    let templates = Client::with_keys(&server).json("GET", "/editor/scan/templates", Value::Null).await;
    let is_advanced = |template: &&Value| template["name"] == "advanced";
    let advanced = templates["templates"].as_array().unwrap().iter().find(is_advanced).unwrap();
    assert_eq!(advanced["uuid"], json!(advanced_template));
}
