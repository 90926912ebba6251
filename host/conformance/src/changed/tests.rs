
use super::changed;

#[test]
fn each_key_is_dropped_emptied_and_of_another_type() {
    for (report, expected) in [
        (
            r#"{"a": 1, "b": [{"a": "x"}]}"#,
            Some(vec![
                r#"{"b":[{}]}"#,
                r#"{"a":null,"b":[{"a":null}]}"#,
                r#"{"a":"odd","b":[{"a":-7.5}]}"#,
                r#"{"a":1}"#,
                r#"{"a":1,"b":null}"#,
                r#"{"a":1,"b":{"odd":1}}"#,
            ]),
        ),
        (
            "{\"a\":true}\n{\"a\":{}}\n",
            Some(vec!["{}\n{}", "{\"a\":null}\n{\"a\":null}", "{\"a\":\"odd\"}\n{\"a\":[1,null]}"]),
        ),
        ("10.0.0.5,22", None),
        ("7", None),
        ("<a/>", None),
        ("", None),
    ] {
        let told = changed(report.as_bytes()).map(|reports| {
            reports.iter().map(|bytes| String::from_utf8_lossy(bytes).trim_end().to_owned()).collect::<Vec<_>>()
        });
        let expected = expected.map(|expected| expected.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(told, expected, "{report}");
    }
}
