//! The standard profile at the boundary.

use scanhost_domain::field::{Column, FieldType};
use scanhost_it::guests::PROFILE;
use scanhost_sandbox::{Plan, Selection};

use crate::loaded;

fn all() -> Plan {
    Plan { fields: Selection::All, filters: "{}".into(), group: None, order: Vec::new() }
}

async fn check(definition: &str, name: &str, expected: Plan) {
    let profile = loaded::profile(PROFILE);
    let description = profile.describe(definition).await.unwrap().unwrap();
    assert_eq!(description.name.as_str(), name, "{definition}");
    assert_eq!(description.fields, expected.fields, "{definition}");
    assert!(!description.shapes && description.derived.is_empty(), "{definition}");
    let columns = [Column { name: "host".into(), field_type: FieldType::Text }];
    let plan = profile.plan(definition, columns.iter()).await.unwrap().unwrap();
    assert_eq!(plan, expected, "{definition}");
}

/// Neither call takes the definition, and both say what is wrong with it.
async fn check_refused(definition: &str, expected: &str) {
    let profile = loaded::profile(PROFILE);
    let problem = profile.describe(definition).await.unwrap().unwrap_err();
    assert!(problem.contains(expected), "{definition}: {problem}");
    let problem = profile.plan(definition, [].iter()).await.unwrap().unwrap_err();
    assert!(problem.contains(expected), "{definition}: {problem}");
}

#[tokio::test]
async fn an_empty_definition_shows_everything() {
    check("{}", "standard", all()).await;
}

#[tokio::test]
async fn a_definition_chooses_filters_and_orders() {
    let fields = Selection::Some(vec!["host".into(), "cve".into()]);
    check(r#"{"name": "brief", "fields": ["host", "cve"]}"#, "brief", Plan { fields, ..all() }).await;
    let filters = r#"{"severity":"Critical"}"#;
    let definition = format!(r#"{{"filters": {filters}}}"#);
    check(&definition, "standard", Plan { filters: filters.into(), ..all() }).await;
    let order = vec![("cvss_score".to_owned(), true), ("host".to_owned(), false)];
    check(r#"{"order": ["-cvss_score", "host"]}"#, "standard", Plan { order, ..all() }).await;
}

#[tokio::test]
async fn a_wrong_definition_is_refused_with_the_key_that_is_wrong() {
    for (definition, expected) in [
        ("", "should be an object"),
        ("[]", "should be an object"),
        (r#"{"fields": []}"#, "fields"),
        (r#"{"fields": ["host", "host"]}"#, "host stands there twice"),
        (r#"{"filters": 1}"#, "filters"),
        (r#"{"order": "host"}"#, "order"),
        (r#"{"name": "No Name"}"#, "name"),
        (r#"{"colour": 1}"#, "colour"),
    ] {
        check_refused(definition, expected).await;
    }
}

#[tokio::test]
async fn rows_come_back_as_they_were() {
    let rows = vec![r#"{"host":"192.0.2.1"}"#.to_owned(), "{}".to_owned()];
    assert_eq!(loaded::profile(PROFILE).shape("{}", &rows, Ok).await.unwrap().unwrap(), rows);
}
