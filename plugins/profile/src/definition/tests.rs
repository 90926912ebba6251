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
fn what_is_not_given_leaves_the_report_as_it_is() {
    check("{}", Definition::default());
    let everything =
        Definition { name: "standard".to_owned(), fields: Fields::All, filters: "{}".to_owned(), order: Vec::new() };
    check(r#"{"fields": "all", "filters": {}, "order": []}"#, everything);
}

#[test]
fn a_definition_says_fields_filters_and_order() {
    check(
        r#"{
            "name": "soc", "fields": ["host", "default-account", "cvssV3_impactScore"],
            "filters": {"severity": ">=Medium", "cve": ["a", "b"]}, "order": ["-cvss_score", "host", "-default-account"]
        }"#,
        Definition {
            name: "soc".to_owned(),
            fields: some(&["host", "default-account", "cvssV3_impactScore"]),
            filters: r#"{"severity": ">=Medium", "cve": ["a", "b"]}"#.to_owned(),
            order: vec![key("cvss_score", true), key("host", false), key("default-account", true)],
        },
    );
}

#[test]
fn every_wrong_key_is_named() {
    check_error("[]", "a profile should be an object with fields, filters and order");
    check_error("", "a profile should be an object with fields, filters and order");
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
    check_error(r#"{"fields": ["host", "cve", "host"]}"#, "fields: host stands there twice");
    for field in ["", " ", "a\\nb"] {
        check_error(
            &format!(r#"{{"fields": ["{field}"]}}"#),
            "fields: a field name has 1 to 128 bytes and no control characters",
        );
    }
    check_error(r#"{"filters": []}"#, "filters: should be an object");
    check_error(r#"{"order": "host"}"#, "order: should be a list of field names, `-` before a name for descending");
    check_error(r#"{"order": ["-"]}"#, "order: a field name has 1 to 128 bytes and no control characters");
    check_error(r#"{"order": ["host", "-host"]}"#, "order: host stands there twice");
    check_error(
        r#"{"field": ["host"], "order": [true]}"#,
        "field: unknown key, there are name, fields, filters and order; \
         order: should be a list of field names, `-` before a name for descending",
    );
}
