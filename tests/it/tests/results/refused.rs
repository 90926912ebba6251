//! Questions that have no answer.

use serde_json::json;

use crate::reported::Reported;

#[tokio::test]
async fn bad_arguments_are_refused_with_what_would_be_right() {
    let reported = Reported::new("soc: {fields: [host]}\n").await;
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
        let (code, message, hint) = reported.refused(arguments.clone()).await;
        assert_eq!(code, "invalid_argument", "for {arguments}");
        assert!(message.contains(in_message), "{arguments}: {message}");
        assert!(!hint.is_empty() && hint.contains(in_hint), "{arguments}: {hint}");
    }
}

#[tokio::test]
async fn null_is_as_good_as_absent() {
    let reported = Reported::new("").await;
    let nothing = json!({
        "page": null, "page_size": null, "skip": null, "schema_profile": null, "custom_fields": null, "filters": null,
    });
    assert_eq!(reported.lines(nothing).await, reported.lines(json!({})).await);
}
