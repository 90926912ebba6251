use super::mutations;

#[test]
fn each_key_is_dropped_set_to_null_and_given_another_type() {
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
        let actual = mutations(report.as_bytes()).map(|reports| {
            reports.iter().map(|bytes| String::from_utf8_lossy(bytes).trim_end().to_owned()).collect::<Vec<_>>()
        });
        let expected = expected.map(|expected| expected.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(actual, expected, "{report}");
    }
}
