use proptest::prelude::*;

use super::{NotAPattern, Pattern};

#[test]
fn pattern_matches_a_whole_argument() {
    for (pattern, argument, expected) in [
        ("-sV", "-sV", true),
        ("-sV", "-sVC", false),
        ("-sV", "-s", false),
        ("-sV", "", false),
        ("-T*", "-T4", true),
        ("-T*", "-T", true),
        ("-p*", "-p1-1024,8080", true),
        ("-p*", "-p 80", false),
        ("-p*", "-p$(id)", false),
        ("-p*", "-p/etc/passwd", false),
        ("--script=*", "--script=default,vuln", true),
        ("--script=*", "--script=/tmp/evil.nse", false),
        ("--script=*", "--script=default;id", false),
        ("--script=*", "--script=default --script=/tmp/x", false),
        ("--a=*,end", "--a=one,end,end", true),
        ("--a=*,end", "--a=one,end,", false),
        ("--a=*/x", "--a=b/x", true),
        ("--a=*/x", "--a=b/c/x", false),
        ("--é=*", "--é=1", true),
        ("--a=*", "--a=é", false),
        ("a*", "a\n", false),
        ("a*", "a\0", false),
    ] {
        let pattern: Pattern = pattern.parse().unwrap();
        assert_eq!(pattern.fits(argument), expected, "{pattern:?} {argument:?}");
    }
}

#[test]
fn pattern_that_permits_everything_is_refused() {
    for (text, expected) in
        [("*", NotAPattern::Open), ("**", NotAPattern::Open), ("", NotAPattern::Length), ("-a\n", NotAPattern::Control)]
    {
        assert_eq!(text.parse::<Pattern>(), Err(expected), "{text:?}");
    }
}

proptest! {
    /// An argument that fits begins and ends like the pattern, and between has only what `*` stands for.
    #[test]
    fn only_plain_characters_take_the_place_of_a_star(
        prefix in "--[a-z]{1,8}=",
        suffix in "[a-z/;]{0,4}",
        argument in "(--[a-z]{1,8}=)?.{0,24}",
    ) {
        let pattern: Pattern = format!("{prefix}*{suffix}").parse().unwrap();
        let between = argument.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(&suffix));
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || ".,:_+-".contains(c));
        prop_assert_eq!(pattern.fits(&argument), between.is_some_and(is_plain));
    }

    #[test]
    fn what_was_made_from_a_pattern_fits_it(
        parts in prop::collection::vec("[-a-z0-9.,/]{1,6}", 1..5),
        fillings in prop::collection::vec("[A-Z0-9.,:_+-]{0,6}", 5),
    ) {
        let pattern: Pattern = parts.join("*").parse().unwrap();
        let mut argument = parts[0].clone();
        for (part, filling) in parts[1..].iter().zip(&fillings) {
            argument = argument + filling + part;
        }
        prop_assert!(pattern.fits(&argument), "{:?} {:?}", pattern, argument);
    }
}
