use super::check_level;

#[test]
fn levels_and_targets_with_levels_are_accepted() {
    for text in ["info", "WARN", "off", "warn,hyper=info", "debug,scanhost=trace", "hyper=info", "[span]=debug"] {
        assert_eq!(check_level(text), Ok(()), "{text}");
    }
}

#[test]
fn word_that_is_no_level_is_refused_with_a_list_of_levels() {
    for (text, word) in [("warning", "warning"), ("dbug", "dbug"), ("info,verbose", "verbose"), ("hyper", "hyper")] {
        let problem = check_level(text).unwrap_err();
        let expected = format!("`{word}` is not a level: use error, warn, info, debug, trace, off or target=level");
        assert_eq!(problem, expected, "{text}");
    }
    assert!(check_level("hyper=loud").is_err());
}
