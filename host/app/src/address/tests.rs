//! Addresses in both directions, and those that are none.

use serde_json::json;

use super::*;

const ID: &str = "01KB4J8ZC0Q2V7N5R3T6W9XYAE";

fn check(uri: &str, expected: &Address) {
    assert_eq!(Address::parse(uri).as_ref(), Ok(expected), "{uri}");
    assert_eq!(Address::parse(&expected.to_string()).as_ref(), Ok(expected), "{expected}");
}

fn results(arguments: Json) -> Address {
    let Json::Object(arguments) = arguments else { panic!("arguments are an object") };
    Address::Results(ID.parse().unwrap(), arguments)
}

#[test]
fn addresses_name_what_they_ask_for() {
    let id: TaskId = ID.parse().unwrap();
    check(&format!("scan://{ID}"), &Address::Scan(id.clone()));
    check(&format!("scan://{ID}/"), &Address::Scan(id.clone()));
    check(&format!("scan://{}", ID.to_lowercase()), &Address::Scan(id.clone()));
    check(&format!("scan://{ID}/report"), &Address::Report(id));
    check(
        "scanner://nessus_lab/scanner-1",
        &Address::Scanner { pool: "nessus_lab".into(), instance: "scanner-1".into() },
    );
    check("profile://brief", &Address::Profile("brief".into()));
}

#[test]
fn the_query_of_results_is_the_arguments_of_the_tool() {
    check(&format!("scan://{ID}/results"), &results(json!({})));
    check(&format!("scan://{ID}/results?page=2&skip="), &results(json!({ "page": 2 })));
    check(&format!("scan://{ID}/results?page=two"), &results(json!({ "page": "two" })));
    check(
        &format!(
            "scan://{ID}/results?page=0&custom_fields=host,%20cve&filters=%7B%22severity%22%3A%22%3E%3DHigh%22%7D"
        ),
        &results(json!({ "page": 0, "custom_fields": ["host", "cve"], "filters": { "severity": ">=High" } })),
    );
}

#[test]
fn anything_else_is_refused() {
    for uri in
        ["", "scan", "scan://", "scan:01K", "file:///etc/passwd", "http://scan/x", "scanner://pool", "profile://a/b"]
    {
        assert_eq!(Address::parse(uri).map_err(|refusal| refusal.code), Err(ErrorCode::NotFound), "{uri}");
    }
    let invalid = [
        "scan://nonsense".to_owned(),
        format!("scan://{ID}?page=1"),
        format!("scan://{ID}/results?page=1&page=2"),
        format!("scan://{ID}/results?filters=severity"),
    ];
    for uri in invalid {
        assert_eq!(Address::parse(&uri).map_err(|refusal| refusal.code), Err(ErrorCode::InvalidArgument), "{uri}");
    }
}
