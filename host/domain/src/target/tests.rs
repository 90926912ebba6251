use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

fn targets(text: &str) -> Targets {
    Targets::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn rules(rules: &[&str]) -> Vec<Rule> {
    rules.iter().map(|rule| rule.parse().unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn policy(allowed: &[&str], denied: &[&str]) -> TargetPolicy {
    TargetPolicy { allowed: rules(allowed), denied: rules(denied), max_addresses: 65_536 }
}

/// Checks the answer of the policy: empty if it permits the targets, else the refusal.
fn check_permit(policy: &TargetPolicy, text: &str, refusal: &str) {
    let said = policy.permit(&targets(text)).map_or_else(|refusal| refusal.to_string(), |_| String::new());
    assert_eq!(said, refusal, "{text:?}");
}

#[test]
fn well_formed_targets_are_accepted() {
    // as written, the same in canonical form, addresses
    let rows = [
        ("10.0.0.1", "10.0.0.1", 1),
        ("FC00::0001", "fc00::1", 1),
        ("10.0.0.5/24", "10.0.0.5/24", 256),
        ("10.0.0.0/32", "10.0.0.0/32", 1),
        ("0.0.0.0/0", "0.0.0.0/0", 1 << 32),
        ("fc00::1/65", "fc00::1/65", 1 << 63),
        ("10.0.0.1-10.0.0.20", "10.0.0.1-10.0.0.20", 20),
        ("10.0.0.1-20", "10.0.0.1-10.0.0.20", 20),
        ("10.0.0.7-7", "10.0.0.7-10.0.0.7", 1),
        ("fc00::a-fc00::10", "fc00::a-fc00::10", 7),
        ("localhost", "localhost", 1),
        ("Web_01.lab.example", "Web_01.lab.example", 1),
        ("1-800-flowers.example", "1-800-flowers.example", 1),
        ("_sip.a", "_sip.a", 1),
        ("10.0.0.1, 10.0.0.2\n\tlocalhost,,10.0.0.4-5 ", "10.0.0.1 10.0.0.2 localhost 10.0.0.4-10.0.0.5", 5),
        ("10.0.0.0/24 10.0.0.7 ::ffff:10.0.0.8 a A", "10.0.0.0/24 10.0.0.7 ::ffff:10.0.0.8 a A", 257),
    ];
    for (written, canonical, count) in rows {
        let targets = targets(written);
        let found: Vec<String> = targets.iter().map(Target::to_string).collect();
        assert_eq!(found.join(" "), canonical, "{written:?}");
        assert_eq!(targets.count(), count, "{written:?}");
        assert_eq!(targets.to_string(), written.trim());
    }
}

#[test]
fn malformed_targets_are_refused_with_the_reason() {
    let address = "is not a valid address";
    let network = "is not a network: write an address, `/` and a valid prefix length";
    let range = "is not a range: write `10.0.0.1-10.0.0.20` or `10.0.0.1-20`";
    let name = "is not an address, network, range or host name";
    let rows = [
        ("10.0.0.999", address),
        ("10.0.0", address),
        ("10.0.0.01", address),
        ("2130706433", address),
        (":::", address),
        ("fc00::1::2", address),
        ("10.0.0.0/33", network),
        ("10.0.0.0/08", network),
        ("10.0.0.0/+8", network),
        ("10.0.0.0/", network),
        ("10.0.0.0/255.0.0.0", network),
        ("10.0.0/8", network),
        ("fc00::/129", network),
        ("http://localhost", network),
        ("10.0.0.1-", range),
        ("10.0.0.1-256", range),
        ("10.0.0.1-020", range),
        ("10.0.0.1-5-7", range),
        ("10.0.0.999-5", range),
        ("10-20", range),
        ("fc00::1-5", range),
        ("10.0.0.1-x", range),
        ("10.0.0.20-1", "is a range that ends before it starts"),
        ("fc00::2-fc00::1", "is a range that ends before it starts"),
        ("10.0.0.1-fc00::1", "is a range between IPv4 and IPv6"),
        ("-oN", "begins with `-`, like a command-line option"),
        ("--script=x", "begins with `-`, like a command-line option"),
        ("fe80::1%eth0", name),
        ("[::1]", name),
        ("localhost:80", name),
        ("a..b", name),
        ("a.", name),
        ("a-.b", name),
        ("a.-b", name),
        ("a;b", name),
        ("$(id)", name),
        ("bücher.example", name),
        ("0x7f000001", name),
        ("0x7f.1", name),
        ("host.1", name),
    ];
    for (item, reason) in rows {
        let error = Targets::parse(item).unwrap_err().to_string();
        assert_eq!(error, format!("{item:?} {reason}"));
    }
    for length in [64, 300] {
        let long = "a".repeat(length);
        assert_eq!(Targets::parse(&long).unwrap_err().problems().count(), 1, "{length}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let rows = [
        (" , \n", "no targets"),
        (
            "-x 10.0.0.1/24 10.0.0.256",
            "\"-x\" begins with `-`, like a command-line option; \"10.0.0.256\" is not a valid address",
        ),
    ];
    for (text, message) in rows {
        assert_eq!(Targets::parse(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn messages_are_bounded_and_escaped() {
    let error = Targets::parse("a\u{1b}[31m\u{202e}\"").unwrap_err().to_string();
    assert!(error.starts_with(r#""a\u{1b}[31m\u{202e}\"" "#), "{error}");
    let long = Targets::parse(&"ü".repeat(1000)).unwrap_err().to_string();
    assert!(long.starts_with(&format!("\"{}\"… ", "ü".repeat(64))), "{long}");
    let many = Targets::parse(&"-x ".repeat(1000)).unwrap_err().to_string();
    assert!(many.ends_with("; and 950 more"), "{many}");
    let huge = Targets::parse(&"-x ".repeat(1 << 20)).unwrap_err().to_string();
    assert_eq!(huge, "the list of targets has 3145728 bytes, but at most 1048576 are allowed");
}

#[test]
fn targets_match_by_containment_and_overlap() {
    let scanned = targets("10.0.0.0/24 10.0.1.5-10 fc00::/65 Web.lab.example 0.0.0.5");
    let rows = [
        ("10.0.0.7", true),
        ("10.0.0.0/8", true),
        ("10.0.0.128/25", true),
        ("10.0.1.4", false),
        ("10.0.1.0/29", true),
        ("10.0.1.8-200", true),
        ("10.0.2.0/24", false),
        ("fc00::7", true),
        ("fc00:0:0:1::/64", false),
        ("::ffff:10.0.0.1", true),
        ("::5", false),
        ("web.LAB.example", true),
        ("lab.example", false),
    ];
    for (sought, expected) in rows {
        assert_eq!(scanned.matches(&sought.parse().unwrap()), expected, "{sought}");
    }
}

#[test]
fn default_policy_is_private_and_loopback() {
    let permitted = [
        "10.1.2.3 172.16.0.0/12 192.168.255.255 127.0.0.0/8 ::1 fc00::1 fdff::1 localhost LOCALHOST",
        "::ffff:10.0.0.1",
        "::ffff:192.168.0.0/112",
    ];
    let policy = TargetPolicy { max_addresses: u64::MAX, ..TargetPolicy::default() };
    for text in permitted {
        check_permit(&policy, text, "");
    }
    for text in [
        "8.8.8.8",
        "172.32.0.0",
        "169.254.169.254",
        "0.0.0.0",
        "0.0.0.0/0",
        "::/65",
        "fe80::1",
        "::",
        "::10.0.0.1",
        "2001:db8::1",
        "::ffff:8.8.8.8",
        "::ffff:0:0/96",
        "9.255.255.255-10.0.0.1",
        "10.255.255.255-11.0.0.0",
        "web.lab.example",
        "localhost.evil.example",
    ] {
        let shown = targets(text).iter().map(Target::to_string).collect::<String>();
        check_permit(&policy, text, &format!("{shown} is refused: no rule of allowed_targets covers it"));
    }
    assert_eq!(TargetPolicy::default().max_addresses, 65_536);
}

#[test]
fn policy_permits_covered_targets_and_refuses_others() {
    let not_covered = "is refused: no rule of allowed_targets covers it";
    let lab = policy(&["10.0.0.0/24", "10.0.1.0-10.0.1.9", "10.0.1.10", "*.Lab.example"], &["10.0.0.1", "secret*"]);
    let rows = [
        ("10.0.0.200-10.0.1.10", String::new()),
        ("10.0.0.200-10.0.1.11", format!("10.0.0.200-10.0.1.11 {not_covered}")),
        ("a.LAB.example", String::new()),
        ("a.b.lab.example", String::new()),
        ("lab.example", format!("lab.example {not_covered}")),
        ("SECRET.lab.example", "SECRET.lab.example is refused by denied_targets: secret*".to_owned()),
        ("10.0.0.0/30", "10.0.0.0/30 is refused by denied_targets: 10.0.0.1".to_owned()),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1 is refused by denied_targets: 10.0.0.1".to_owned()),
        (
            "0.0.0.0/0",
            "0.0.0.0/0 is refused by denied_targets: 10.0.0.1; 4294967296 addresses are more than the 65536 \
            that max_addresses allows"
                .to_owned(),
        ),
        ("10.0.0.2 8.8.8.8 x", format!("8.8.8.8 {not_covered}; x {not_covered}")),
    ];
    for (text, refusal) in rows {
        check_permit(&lab, text, &refusal);
    }
}

/// A rule that denies loopback denies it in every spelling.
#[test]
fn denied_loopback_cannot_be_reached_by_another_name() {
    for rule in ["127.0.0.0/8", "127.0.0.1", "::1", "::1/128", "127.0.0.1-127.0.0.9"] {
        let policy = TargetPolicy { max_addresses: u64::MAX, ..policy(&["0.0.0.0/0", "::/0", "*"], &[rule]) };
        for text in [
            "localhost",
            "LocalHost",
            "localhost.localdomain",
            "a.localhost",
            "A.B.LOCALHOST",
            "ip6-loopback",
            "0.0.0.0",
            "::",
            "::0",
            "::ffff:0.0.0.0",
            "0.0.0.0/32",
            "0.0.0.0-0.0.0.5",
        ] {
            let shown = targets(text).iter().map(Target::to_string).collect::<String>();
            check_permit(&policy, text, &format!("{shown} is refused by denied_targets: {rule}"));
        }
        check_permit(&policy, "localhost.example notlocalhost 0.0.0.1 ::2 10.0.0.1", "");
    }
    let policy = TargetPolicy { max_addresses: u64::MAX, ..policy(&["0.0.0.0/0", "::/0", "*"], &["127.0.0.0/8"]) };
    for text in [
        "127.0.0.1",
        "127.1.2.3",
        "::ffff:127.0.0.1",
        "::FFFF:7f00:1",
        "0:0:0:0:0:ffff:127.0.0.1",
        "::ffff:127.0.0.0/104",
        "::ffff:0:0/96",
        "126.0.0.0/7",
        "0.0.0.0/0",
        "126.255.255.255-128.0.0.0",
        "127.0.0.1-5",
        "126.1.1.1/1",
        "::/65",
    ] {
        let shown = targets(text).iter().map(Target::to_string).collect::<String>();
        check_permit(&policy, text, &format!("{shown} is refused by denied_targets: 127.0.0.0/8"));
    }
    // A text that some resolvers would take for an address is no target at all.
    for text in [
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7F.1",
        "127.0.0.0x1",
        "127.0.0.01",
        "127.0.0.1.",
        "localhost.",
        "a.localhost.",
        "::ffff:127.1",
        "[::1]",
        "::1%lo",
        "127.0.0.1%",
        "１２７.0.0.1",
        "localhost:80",
    ] {
        assert!(Targets::parse(text).is_err(), "{text}");
    }
}

#[test]
fn localhost_is_allowed_where_its_name_is_and_nothing_denies_loopback() {
    check_permit(
        &policy(&["localhost"], &["10.0.0.0/8", "::/64"]),
        "localhost",
        "localhost is refused by denied_targets: ::/64",
    );
    check_permit(&policy(&["localhost"], &["10.0.0.0/8", "169.254.0.0/16"]), "LOCALHOST", "");
    check_permit(&policy(&["*.localhost"], &[]), "a.localhost", "");
    let not_covered = "localhost is refused: no rule of allowed_targets covers it";
    check_permit(&policy(&["127.0.0.0/8", "::1"], &[]), "localhost", not_covered);
    check_permit(&policy(&["0.0.0.0/0"], &["localhost"]), "127.0.0.1 0.0.0.0", "");
}

#[test]
fn ipv6_rules_do_not_cover_ipv4() {
    let everything6 = policy(&["::/0"], &[]);
    check_permit(&everything6, "2001:db8::1", "");
    check_permit(&everything6, "10.0.0.1", "10.0.0.1 is refused: no rule of allowed_targets covers it");
    check_permit(&everything6, "::ffff:10.0.0.1", "::ffff:10.0.0.1 is refused: no rule of allowed_targets covers it");
    check_permit(&policy(&["10.0.0.0/8"], &["::/0"]), "10.0.0.1 ::ffff:10.0.0.1", "");
    let everything = TargetPolicy { max_addresses: u64::MAX, ..policy(&["::/0", "0.0.0.0/0", "*"], &[]) };
    check_permit(&everything, "10.0.0.1 ::ffff:10.0.0.1 fe80::1 a.b 0.0.0.0/0", "");
    // A mapped rule was written for the IPv4 addresses.
    check_permit(&policy(&["::ffff:10.0.0.0/120"], &[]), "10.0.0.255", "");
}

#[test]
fn hint_says_what_the_operator_can_change() {
    let refusal = policy(&["10.0.0.0/8"], &["10.0.0.1"]).permit(&targets("10.0.0.1 8.8.8.8 8.8.4.4 a")).unwrap_err();
    assert_eq!(
        refusal.hint(),
        "leave the target out, or ask the operator to remove the rule from the pool's denied_targets; ask the \
         operator to add the address or its network to the pool's allowed_targets; give an address, or ask the \
         operator to add the name or a glob that matches it to the pool's allowed_targets"
    );
}

#[test]
fn malformed_rules_are_refused_with_the_reason() {
    let characters = "is not a glob of host names: at most 253 letters, digits, `-`, `_`, `.` and the wildcards `*`, `?`, `[]`, `{}`";
    let rows = [
        ("10.0.0.0/40", "is not a network: write an address, `/` and a valid prefix length"),
        ("10.0.0.300", "is not a valid address"),
        ("", "is not an address, network, range or host name"),
        (
            "10.0.0.*",
            "has digits but no letters: write addresses as a network or a range, since globs are for host names",
        ),
        (
            "10.0.0.[1-5]",
            "has digits but no letters: write addresses as a network or a range, since globs are for host names",
        ),
        ("fc00::*", characters),
        ("10.*/8", characters),
        ("[a", "is not a glob of host names: unclosed character class; missing ']'"),
    ];
    for (rule, reason) in rows {
        assert_eq!(rule.parse::<Rule>().unwrap_err().to_string(), format!("{rule:?} {reason}"));
    }
}

/// Text that looks nearly like targets, so that it gets deep into the parser.
fn nearly_targets() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9a-fx.:/,_ -]{0,40}", "([0-9]{1,3}\\.){2,4}[0-9]{1,3}[-/][0-9.]{0,8}"]
}

/// A range in 10.0.0.0/26, small enough to look at each of its addresses.
fn small_range() -> impl Strategy<Value = (u8, u8)> {
    (0u8..64, 0u8..64).prop_map(|(one, other)| (one.min(other), one.max(other)))
}

fn written((first, last): (u8, u8)) -> String {
    format!("10.0.0.{first}-{last}")
}

#[test]
fn plain_targets_are_addresses_networks_and_names() {
    for (text, expected) in [
        ("10.0.0.1, Web.example 10.0.0.5/24", "10.0.0.1 Web.example 10.0.0.5/24"),
        ("10.0.0.1-6", "10.0.0.1 10.0.0.2/31 10.0.0.4/31 10.0.0.6"),
        ("10.0.0.0-255", "10.0.0.0/24"),
        ("10.0.0.7-7", "10.0.0.7"),
        ("0.0.0.0-255.255.255.255", "0.0.0.0/0"),
        ("fc00::a-fc00::c", "fc00::a/127 fc00::c"),
    ] {
        assert_eq!(targets(text).plain().collect::<Vec<_>>().join(" "), expected, "{text:?}");
    }
}

proptest! {
    /// No plain target can be read as an option, or as more than one target.
    #[test]
    fn plain_targets_are_never_options(text in nearly_targets()) {
        if let Ok(targets) = Targets::parse(&text) {
            for line in targets.plain() {
                prop_assert!(line.starts_with(|first: char| first.is_ascii_alphanumeric() || matches!(first, ':' | '_')), "{line:?}");
                prop_assert!(line.bytes().all(|b| b.is_ascii_alphanumeric() || b".:/_-".contains(&b)), "{line:?}");
                prop_assert!(line.parse::<Target>().is_ok(), "{line:?}");
            }
        }
    }

    #[test]
    fn parsing_never_panics_and_reads_its_own_text(text in nearly_targets()) {
        if let Ok(targets) = Targets::parse(&text) {
            prop_assert_eq!(&Targets::parse(&targets.to_string()).unwrap(), &targets);
            for target in targets.iter() {
                prop_assert_eq!(&target.to_string().parse::<Target>().unwrap(), target);
            }
            let _decision = TargetPolicy::default().permit(&targets);
        }
        let _rule = text.parse::<Rule>();
    }

    #[test]
    fn permit_agrees_with_looking_at_each_address(
        asked in prop::collection::vec(small_range(), 1..4),
        allowed in prop::collection::vec(small_range(), 0..4),
        denied in prop::collection::vec(small_range(), 0..2),
    ) {
        let is_in = |ranges: &[(u8, u8)], octet: u8| ranges.iter().any(|(first, last)| (*first..=*last).contains(&octet));
        let each = |octet: u8| !is_in(&asked, octet) || (is_in(&allowed, octet) && !is_in(&denied, octet));
        let texts = |ranges: &[(u8, u8)]| ranges.iter().map(|range| written(*range)).collect::<Vec<_>>();
        let policy = TargetPolicy {
            allowed: texts(&allowed).iter().map(|rule| rule.parse().unwrap()).collect(),
            denied: texts(&denied).iter().map(|rule| rule.parse().unwrap()).collect(),
            max_addresses: 64,
        };
        let targets = targets(&texts(&asked).join(","));
        prop_assert_eq!(policy.permit(&targets).is_ok(), (0..64).all(each));
        prop_assert_eq!(targets.count(), (0..64).filter(|octet| is_in(&asked, *octet)).count() as u128);
        for octet in 0..64 {
            let sought = Target::Address(Ipv4Addr::new(10, 0, 0, octet).into());
            prop_assert_eq!(targets.matches(&sought), is_in(&asked, octet));
        }
    }
}

#[test]
fn policy_that_refuses_everything_is_known() {
    let rows: [(&[&str], &[&str], bool); 8] = [
        (&[], &[], true),
        (&["10.0.0.0/8"], &["10.0.0.0/9"], false),
        (&["10.0.0.0/8", "10.9.0.1"], &["10.0.0.0/9", "10.128.0.0/9"], true),
        (&["0.0.0.0/0"], &["::/0"], false),
        (&["*.lab.example"], &["*.LAB.example"], true),
        (&["web.lab.example"], &["*.example"], true),
        (&["localhost"], &["127.0.0.0/8"], true),
        (&["*.lab.example", "10.0.0.1"], &["10.0.0.1"], false),
    ];
    for (allowed, denied, expected) in rows {
        assert_eq!(policy(allowed, denied).permits_nothing(), expected, "{allowed:?} {denied:?}");
    }
    assert!(!TargetPolicy::default().permits_nothing());
}

#[test]
fn rules_of_all_addresses_are_known_however_they_are_written() {
    let covering = ["0.0.0.0/0", "10.1.2.3/0", "0.0.0.0-255.255.255.255", "::/0"];
    assert!(rules(&covering).iter().all(Rule::covers_all_addresses));
    assert!(!rules(&["0.0.0.0/1", "::/1", "*"]).iter().any(Rule::covers_all_addresses));
}
