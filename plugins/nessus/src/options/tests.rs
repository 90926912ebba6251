use super::*;

#[test]
fn missing_options_have_defaults() {
    assert_eq!(Options::parse("{}").unwrap(), Options::default());
    let given = Options { template: "basic".to_owned(), folder_id: Some(7), scanner_id: 2 };
    assert_eq!(Options::parse(r#"{"template":"basic","folder_id":7,"scanner_id":2}"#).unwrap(), given);
}

#[test]
fn error_names_the_wrong_option() {
    for (json, place) in [(r#"{"templat":"x"}"#, "templat"), (r#"{"folder_id":"my"}"#, "my"), ("", "EOF")] {
        let Err(ScanError::Invalid(text)) = Options::parse(json) else { panic!("{json} was taken") };
        assert!(text.contains(place), "{text}");
    }
}
