//! The standard profile in the sandbox.

use scanhost_domain::field::{Column, FieldType};
use scanhost_it::guests::PROFILE;
use scanhost_sandbox::{Plan, Selection};

use crate::test_sandbox;

fn plan_of_all_fields() -> Plan {
    Plan { fields: Selection::All, filters: "{}".into(), group: None, order: Vec::new() }
}

async fn check_plan(definition: &str, name: &str, expected: Plan) {
    let profile = test_sandbox::profile(PROFILE);
    let description = profile.describe(definition).await.unwrap().unwrap();
    assert_eq!(description.name.as_str(), name, "{definition}");
    assert_eq!(description.fields, expected.fields, "{definition}");
    assert!(!description.shapes && description.derived.is_empty(), "{definition}");
    let columns = [Column { name: "host".into(), field_type: FieldType::Text }];
    let plan = profile.plan(definition, columns.iter()).await.unwrap().unwrap();
    assert_eq!(plan, expected, "{definition}");
}

/// Checks that `describe` and `plan` both refuse the definition with this problem.
async fn check_refused(definition: &str, expected: &str) {
    let profile = test_sandbox::profile(PROFILE);
    let problem = profile.describe(definition).await.unwrap().unwrap_err();
    assert!(problem.contains(expected), "{definition}: {problem}");
    let problem = profile.plan(definition, [].iter()).await.unwrap().unwrap_err();
    assert!(problem.contains(expected), "{definition}: {problem}");
}

#[tokio::test]
async fn empty_definition_shows_all_fields() {
    check_plan("{}", "standard", plan_of_all_fields()).await;
}

#[tokio::test]
async fn definition_selects_filters_and_orders() {
    let fields = Selection::Some(vec!["host".into(), "cve".into()]);
    check_plan(r#"{"name": "brief", "fields": ["host", "cve"]}"#, "brief", Plan { fields, ..plan_of_all_fields() })
        .await;
    let filters = r#"{"severity":"Critical"}"#;
    let definition = format!(r#"{{"filters": {filters}}}"#);
    check_plan(&definition, "standard", Plan { filters: filters.into(), ..plan_of_all_fields() }).await;
    let order = vec![("cvss_score".to_owned(), true), ("host".to_owned(), false)];
    check_plan(r#"{"order": ["-cvss_score", "host"]}"#, "standard", Plan { order, ..plan_of_all_fields() }).await;
}

#[tokio::test]
async fn invalid_definition_is_refused_with_its_key() {
    for (definition, expected) in [
        ("", "should be an object"),
        ("[]", "should be an object"),
        (r#"{"fields": []}"#, "fields"),
        (r#"{"fields": ["host", "host"]}"#, "host is listed twice"),
        (r#"{"filters": 1}"#, "filters"),
        (r#"{"order": "host"}"#, "order"),
        (r#"{"name": "No Name"}"#, "name"),
        (r#"{"colour": 1}"#, "colour"),
    ] {
        check_refused(definition, expected).await;
    }
}

#[tokio::test]
async fn shape_returns_rows_unchanged() {
    let rows = vec![r#"{"host":"192.0.2.1"}"#.to_owned(), "{}".to_owned()];
    assert_eq!(test_sandbox::profile(PROFILE).shape("{}", &rows, Ok).await.unwrap().unwrap(), rows);
}
