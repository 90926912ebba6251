//! How rows that a plugin returns are read.

use scanhost_domain::field::FieldType;

use super::{super::view::ShownField, *};

fn fields() -> Vec<ShownField> {
    let fields = [("host", FieldType::Text), ("severity", FieldType::Severity), ("risk", FieldType::Integer)];
    fields.map(|(name, field_type)| ShownField { name: name.into(), field_type }).into()
}

#[test]
fn rows_are_cut_down_to_announced_fields() {
    let text = |text: &str| Some(Value::Text(text.into()));
    let high = Some(Value::Severity(Severity::High));
    let table = [
        ("{}", [None, None, None]),
        (r#"{"risk": 7, "host": "a", "severity": "High"}"#, [text("a"), high, Some(Value::Integer(7))]),
        (r#"{"type": "schema", "host": "a", "password": "b"}"#, [text("a"), None, None]),
        (r#"{"host": null, "severity": "", "risk": []}"#, [None, None, None]),
        (
            r#"{"host": ["a"], "severity": "dire", "risk": 7.5}"#,
            [Some(Value::List(vec!["a".into()])), text("dire"), Some(Value::Number(7.5))],
        ),
    ];
    for (row, expected) in table {
        assert_eq!(read(&[row.to_owned()], &fields()), Ok(vec![expected.to_vec()]), "{row}");
    }
}

#[test]
fn malformed_row_is_rejected_with_its_number() {
    let table = [
        ("", "row 2 of 2 is not a JSON object"),
        ("[]", "row 2 of 2 is not a JSON object"),
        ("7", "row 2 of 2 is not a JSON object"),
        ("{\"host\": \"a\"", "row 2 of 2 is not a JSON object"),
        ("{}\n{\"type\":\"schema\"}", "row 2 of 2 is not a JSON object"),
        (r#"{"host": {"a": 1}}"#, "in row 2 of 2 the value of `host` is not a text, number, boolean or list of texts"),
        (r#"{"host": [1]}"#, "in row 2 of 2 the value of `host` is not a text, number, boolean or list of texts"),
    ];
    for (row, expected) in table {
        assert_eq!(read(&["{}".to_owned(), row.to_owned()], &fields()), Err(expected.to_owned()), "{row}");
    }
}
