//! Invalid arguments of `get_scan_results`.

use serde_json::json;

use crate::completed_scan::CompletedScan;

#[tokio::test]
async fn invalid_arguments_are_refused_with_a_hint() {
    let scan = CompletedScan::with_profiles("soc: {fields: [host]}\n").await;
    let table = [
        (json!({ "page": -1 }), "page", "1"),
        (json!({ "skip": -1 }), "skip", ""),
        (json!({ "page": "first" }), "", "page"),
        (json!({ "page": 1.5 }), "", "page"),
        (json!({ "custom_fields": ["host"], "schema_profile": "minimal" }), "custom_fields", ""),
        (json!({ "custom_fields": ["host"], "schema_profile": "brief" }), "custom_fields", ""),
        (json!({ "custom_fields": ["host", "hots"] }), "hots", "host_fqdn"),
        (json!({ "custom_fields": [] }), "custom_fields", ""),
        (json!({ "custom_fields": "host" }), "", "custom_fields"),
        (json!({ "schema_profile": "nosuch" }), "", "soc"),
        (json!({ "schema_profile": "Not A Name/.." }), "", "minimal"),
        (json!({ "pages": 1 }), "pages", "page_size"),
    ];
    for (arguments, in_message, in_hint) in table {
        let (code, message, hint) = scan.refused_results(arguments.clone()).await;
        assert_eq!(code, "invalid_argument", "for {arguments}");
        assert!(message.contains(in_message), "{arguments}: {message}");
        assert!(!hint.is_empty() && hint.contains(in_hint), "{arguments}: {hint}");
    }
}

#[tokio::test]
async fn null_argument_counts_as_absent() {
    let scan = CompletedScan::with_profiles("").await;
    let nulls = json!({
        "page": null, "page_size": null, "skip": null, "schema_profile": null, "custom_fields": null, "filters": null,
    });
    assert_eq!(scan.lines(nulls).await, scan.lines(json!({})).await);
}
