use super::*;

fn check(text: &str, expected: Definition) {
    assert_eq!(Definition::parse(text), Ok(expected), "{text}");
}

fn check_error(text: &str, expected: &str) {
    assert_eq!(Definition::parse(text), Err(expected.to_owned()), "{text}");
}

fn some(names: &[&str]) -> Fields {
    Fields::Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn key(field: &str, descending: bool) -> Key {
    Key { field: field.to_owned(), descending }
}

#[test]
fn empty_definition_leaves_the_report_unchanged() {
    check("{}", Definition::default());
    check(r#"{"fields": "all", "filters": {}, "order": []}"#, Definition::default());
}

#[test]
fn definition_has_fields_filters_and_order() {
    check(
        r#"{
            "name": "soc", "fields": ["host", "default-account", "cvssV3_impactScore"],
            "filters": {"severity": ">=Medium", "cve": ["a", "b"]}, "order": ["-cvss_score", "host", "-default-account"]
        }"#,
        Definition {
            name: "soc".to_owned(),
            fields: some(&["host", "default-account", "cvssV3_impactScore"]),
            filters: r#"{"severity": ">=Medium", "cve": ["a", "b"]}"#.to_owned(),
            group: None,
            order: vec![key("cvss_score", true), key("host", false), key("default-account", true)],
        },
    );
}

#[test]
fn error_names_every_wrong_key() {
    check_error("[]", "a profile should be an object with fields, filters, group and order");
    check_error("", "a profile should be an object with fields, filters, group and order");
    for name in ["3", "\"\"", "\"SOC\"", "\"a b\""] {
        check_error(
            &format!(r#"{{"name": {name}}}"#),
            "name: should be 1 to 64 lower case letters, digits, `-` or `_`",
        );
    }
    for fields in ["[]", "[1]", "\"some\"", "{}", "null"] {
        check_error(
            &format!(r#"{{"fields": {fields}}}"#),
            "fields: should be a list of field names, at least one, or the word all",
        );
    }
    check_error(r#"{"fields": ["host", "cve", "host"]}"#, "fields: host is listed twice");
    for field in ["", " ", "a\\nb"] {
        check_error(
            &format!(r#"{{"fields": ["{field}"]}}"#),
            "fields: a field name has 1 to 128 bytes and no control characters",
        );
    }
    check_error(r#"{"filters": []}"#, "filters: should be an object");
    check_error(
        r#"{"order": "host"}"#,
        "order: should be a list of field names, with `-` before a name for descending",
    );
    check_error(r#"{"order": ["-"]}"#, "order: a field name has 1 to 128 bytes and no control characters");
    check_error(r#"{"order": ["host", "-host"]}"#, "order: host is listed twice");
    check_error(
        r#"{"field": ["host"], "order": [true]}"#,
        "field: unknown key, the known keys are name, fields, filters, group and order; \
         order: should be a list of field names, with `-` before a name for descending",
    );
}

#[test]
fn group_has_its_fields_and_aggregates() {
    let aggregate = |name: &str, measure| Aggregate { name: name.to_owned(), measure };
    let aggregates = vec![
        aggregate("ports", Measure::Values { field: "port".to_owned(), limit: 5 }),
        aggregate("rows", Measure::Count),
        aggregate("severity", Measure::Highest("severity".to_owned())),
        aggregate("who", Measure::Values { field: "host".to_owned(), limit: 20 }),
    ];
    let group = Some(Group { by: vec!["host".to_owned(), "svc_name".to_owned()], aggregates });
    check(
        r#"{"group": {"by": ["host", "svc_name"], "fields": {
            "rows": "count", "severity": {"highest": "severity"}, "who": {"values": "host"},
            "ports": {"values": "port", "limit": 5}
        }}}"#,
        Definition { group, ..Definition::default() },
    );
    let alone = Some(Group { by: vec!["cve".to_owned()], aggregates: Vec::new() });
    check(r#"{"group": {"by": ["cve"]}}"#, Definition { group: alone, ..Definition::default() });
}

#[test]
fn wrong_group_is_refused() {
    check_error(r#"{"group": []}"#, "group: should be an object with by and fields");
    check_error(r#"{"group": {"of": 1}}"#, "group: unknown key of, the known keys are by and fields");
    for by in ["{}", r#"{"by": []}"#, r#"{"by": "host"}"#] {
        check_error(&format!(r#"{{"group": {by}}}"#), "group: by should be a list of field names, at least one");
    }
    check_error(r#"{"group": {"by": ["host", "host"]}}"#, "group: host is listed twice");
    check_error(
        r#"{"group": {"by": ["host"], "fields": []}}"#,
        "group: fields should be an object of names and their measures",
    );
    let wrong = ["\"sum\"", "{}", r#"{"highest": 1}"#, r#"{"highest": ""}"#, r#"{"highest": "a", "lowest": "a"}"#];
    for measure in wrong.into_iter().chain([r#"{"first": "a", "limit": 1}"#, r#"{"values": "a", "limit": 1001}"#]) {
        check_error(
            &format!(r#"{{"group": {{"by": ["host"], "fields": {{"n": {measure}}}}}}}"#),
            "group: n should be count, or an object with one of distinct, values (with limit, at most 1000), lowest, \
             highest or first, and a field",
        );
    }
}
