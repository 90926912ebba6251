use proptest::prelude::*;

use super::*;
use crate::{
    field::FieldType,
    finding::{Severity, Value},
};

fn text(text: &str) -> Operand {
    Operand::Text(text.to_owned())
}

fn number(text: &str) -> Operand {
    Operand::Number(text.to_owned())
}

fn list(values: &[&str]) -> Operand {
    Operand::List(values.iter().map(|value| text(value)).collect())
}

/// A report whose findings have every field but `port`, which is known all the same.
fn report() -> (Columns, Finding) {
    let values = [
        ("host", Value::Text("Web-01.Lab.example".to_owned())),
        ("description", Value::Text("a > b ! = Straße ΟΔΟΣ true 7".to_owned())),
        ("cve", Value::List(vec!["CVE-2021-44228".to_owned(), "CVE-2019-0708".to_owned()])),
        ("cvss_score", Value::Number(9.8)),
        ("plugin_id", Value::Integer(9_007_199_254_740_993)),
        ("severity_id", Value::Integer(3)),
        ("severity", Value::Severity(Severity::High)),
        ("exploit_available", Value::Boolean(true)),
        ("vendor_note", Value::Text("only in this report".to_owned())),
    ];
    let mut columns = Columns::new([("vendor_level".to_owned(), FieldType::Integer)]);
    let mut finding = Finding::default();
    for (name, value) in values {
        finding.add(columns.appear(name), value);
    }
    (columns, finding)
}

fn check(field: &str, operand: Operand, expected: bool) {
    let (columns, finding) = report();
    let filters = Filters::parse(&[(field.to_owned(), operand.clone())], &columns);
    let found = filters.unwrap_or_else(|errors| panic!("{errors}")).matches(&finding);
    assert_eq!(found, expected, "{field}: {operand:?}");
}

fn check_error(field: &str, operand: Operand, reason: &str) {
    let (columns, _) = report();
    let errors = Filters::parse(&[(field.to_owned(), operand)], &columns).unwrap_err();
    assert_eq!(errors.to_string(), format!("filter {field:?}: {reason}"));
}

#[test]
fn text_is_contained_or_equal_ignoring_case() {
    let rows = [
        ("host", "web", true),
        ("host", "LAB.EX", true),
        ("host", "db", false),
        ("host", "=web", false),
        ("host", "=WEB-01.lab.example", true),
        ("host", "!web", false),
        ("host", "!db", true),
        ("host", "!=web", true),
        ("host", "!=web-01.lab.example", false),
        ("host", " web", false),
        ("description", "STRASSE", false),
        ("description", "STRAßE", true),
        ("description", "οδος", true),
        ("description", "Σ", true),
        ("description", "ς", true),
        ("description", " ", true),
        ("description", "> B", true),
        ("description", ">7", false),
        ("description", " ! =", true),
        ("description", "!!", false),
        ("description", "!! =", false),
        ("description", "!!x", true),
        ("description", "==", false),
        ("vendor_note", "REPORT", true),
    ];
    for (field, operand, expected) in rows {
        check(field, text(operand), expected);
    }
}

#[test]
fn list_matches_by_some_element() {
    let rows = [
        ("cve-2021", true),
        ("2019-0708", true),
        ("=cve-2019-0708", true),
        ("=cve-2019", false),
        ("228cve", false),
        ("!cve-2021", false),
        ("!=cve-2021-44228", false),
        ("!CVE-2020", true),
    ];
    for (operand, expected) in rows {
        check("cve", text(operand), expected);
    }
}

#[test]
fn numbers_compare() {
    let rows = [
        ("cvss_score", ">7.0", true),
        ("cvss_score", " >= 7 ", true),
        ("cvss_score", "<3", false),
        ("cvss_score", "<=9.8", true),
        ("cvss_score", "<9.8", false),
        ("cvss_score", "=9.8", true),
        ("cvss_score", "9.80", true),
        ("cvss_score", "98e-1", true),
        ("cvss_score", "!9.8", false),
        ("cvss_score", " ! > 9 ", false),
        ("cvss_score", "!=9", true),
        ("cvss_score", ">-1", true),
        ("severity_id", ">2.5", true),
        ("severity_id", ">=3.5", false),
        ("severity_id", "<3.5", true),
        ("severity_id", "3.0", true),
        ("severity_id", "3.5", false),
        ("severity_id", "<1e300", true),
        ("severity_id", ">-1e300", true),
        ("severity_id", "<100000000000000000000000000000000000000000000", true),
        ("plugin_id", "9007199254740993", true),
        ("plugin_id", "9007199254740992", false),
        ("plugin_id", ">9007199254740992.0", true),
        ("plugin_id", "<9223372036854775808", true),
    ];
    for (field, operand, expected) in rows {
        check(field, text(operand), expected);
        // Numbers in JSON give the same terms, if they are valid there.
        if operand.starts_with(|c: char| c.is_ascii_digit()) {
            check(field, number(operand), expected);
        }
    }
}

#[test]
fn severities_are_ordered() {
    let rows = [
        ("High", true),
        ("high", true),
        ("3", true),
        ("3.0", true),
        ("Critical", false),
        (">=3", true),
        ("> 3", false),
        ("< High", false),
        ("<=CRITICAL", true),
        (">Info", true),
        ("!High", false),
        ("!low", true),
        ("!>=Critical", true),
        ("=High", true),
    ];
    for (operand, expected) in rows {
        check("severity", text(operand), expected);
    }
    check("severity", number("3"), true);
    check("severity", number("4"), false);
}

#[test]
fn booleans_are_equal() {
    for (operand, expected) in [("true", true), ("false", false), ("!true", false), ("!false", true), (" True ", true)]
    {
        check("exploit_available", text(operand), expected);
    }
    check("exploit_available", Operand::Boolean(true), true);
    check("exploit_available", Operand::Boolean(false), false);
}

#[test]
fn scalars_are_read_as_text_for_text() {
    check("description", Operand::Boolean(true), true);
    check("description", Operand::Boolean(false), false);
    check("description", number("7"), true);
    check("description", number("7.0"), false);
    check("cve", number("44228"), true);
}

#[test]
fn list_of_values_is_any_of_them_and_none_of_the_negated() {
    let rows: [(&str, &[&str], bool); 10] = [
        ("severity", &["Critical", "High"], true),
        ("severity", &["Critical", "Low"], false),
        ("severity", &["!Critical", "!Low"], true),
        ("severity", &["!Critical", "!High"], false),
        ("severity", &[">=Medium", "!Critical"], true),
        ("severity", &[">=Medium", "!High"], false),
        ("host", &["db", "web"], true),
        ("host", &["db", "web", "!lab"], false),
        ("cve", &["2019", "!2021"], false),
        ("cvss_score", &["<3", ">9"], true),
    ];
    for (field, values, expected) in rows {
        check(field, list(values), expected);
    }
    check("severity_id", Operand::List(vec![number("1"), text("3"), text("!4")]), true);
}

#[test]
fn finding_without_the_field_never_matches() {
    for operand in ["0", "!0", ">=0", "!=80"] {
        check("port", text(operand), false);
        check("vendor_level", text(operand), false);
    }
    check("solution", text("!x"), false);
    let (columns, _) = report();
    let filters = Filters::parse(&[("host".to_owned(), text("!x"))], &columns).unwrap();
    assert!(!filters.matches(&Finding::default()));
}

#[test]
fn unreadable_values_are_errors() {
    let empty = |value: &str| format!("{value:?} has no value to compare with");
    let not_a_number =
        |value: &str| format!("{value:?} is not a number: write one, alone or after `>`, `>=`, `<`, `<=` or `=`");
    let not_finite = |value: &str| format!("{value:?} is not a finite number");
    let not_a_boolean = |value: &str| format!("{value:?} is not true or false");
    let not_a_severity = |value: &str| {
        format!(
            "{value:?} is not a severity: write Critical, High, Medium, Low, Info or 4 to 0, alone or after `>`, `>=`, `<`, `<=` or `=`"
        )
    };
    let rows = [
        ("host", text(""), empty("")),
        ("host", text("!"), empty("!")),
        ("host", text("="), empty("=")),
        ("host", text("!="), empty("=")),
        ("cve", text(""), empty("")),
        ("port", text("  "), empty("")),
        ("port", text("! "), empty("!")),
        ("port", text("http"), not_a_number("http")),
        ("port", text(">"), not_a_number("")),
        ("port", text("!!7"), not_a_number("!7")),
        ("port", text(">>7"), not_a_number(">7")),
        ("port", text("1,000"), not_a_number("1,000")),
        ("port", Operand::Boolean(true), not_a_number("true")),
        ("cvss_score", text("NaN"), not_finite("NaN")),
        ("cvss_score", text("<inf"), not_finite("inf")),
        ("cvss_score", number("1e999"), not_finite("1e999")),
        ("severity", text("Urgent"), not_a_severity("Urgent")),
        ("severity", number("5"), not_a_severity("5")),
        ("severity", text(">2.5"), not_a_severity("2.5")),
        ("severity", Operand::Boolean(true), not_a_severity("true")),
        ("exploit_available", text("yes"), not_a_boolean("yes")),
        ("exploit_available", number("1"), not_a_boolean("1")),
        ("host", Operand::Null, "null is not allowed as a value".to_owned()),
        ("host", Operand::Object, "an object is not allowed as a value".to_owned()),
        ("host", Operand::List(vec![]), "an empty list matches nothing: give it at least one value".to_owned()),
        ("host", Operand::List(vec![list(&["a"])]), "a list within a list is not allowed as a value".to_owned()),
        ("host", Operand::List(vec![text("a"), Operand::Null]), "null is not allowed as a value".to_owned()),
        ("hosts", text("a"), "there is no such field".to_owned()),
    ];
    for (field, operand, reason) in rows {
        check_error(field, operand, &reason);
    }
}

#[test]
fn standing_filter_may_name_a_field_that_the_report_lacks() {
    let (columns, finding) = report();
    let terms = |value: &str| [("compliance-result".to_owned(), text(value))];
    assert!(Filters::parse(&terms("FAILED"), &columns).is_err());
    for value in ["FAILED", "!FAILED"] {
        assert!(!Filters::parse_standing(&terms(value), &columns).unwrap().matches(&finding), "{value}");
    }
    assert!(Filters::parse_standing(&terms(""), &columns).is_err());
}

#[test]
fn every_bad_term_is_reported() {
    let (columns, _) = report();
    let terms = [
        ("nope".to_owned(), Operand::Null),
        ("host".to_owned(), text("fine")),
        ("port".to_owned(), Operand::List(vec![text("a"), text("7"), Operand::Object])),
        ("no\npe".to_owned(), text("x")),
    ];
    let errors = Filters::parse(&terms, &columns).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["nope", "port", "port", "no\npe"]);
    assert_eq!(errors.unknown_fields().collect::<Vec<_>>(), ["nope", "no\npe"]);
    assert!(errors.to_string().ends_with(r#"; filter "no\npe": there is no such field"#), "{errors}");
}

#[test]
fn all_terms_must_hold() {
    let (columns, finding) = report();
    let parse = |field: &str, value| Filters::parse(&[(field.to_owned(), text(value))], &columns).unwrap();
    assert!(Filters::default().matches(&finding));
    assert!(parse("host", "web").and(parse("severity", "High")).matches(&finding));
    assert!(!parse("host", "web").and(parse("severity", "Low")).matches(&finding));
    assert!(!parse("host", "db").and(parse("host", "web")).matches(&finding));
}

#[test]
fn value_of_another_type_never_holds() {
    let (columns, _) = report();
    for (field, value) in [("port", "!7"), ("severity", "!High"), ("exploit_available", "!true")] {
        let filters = Filters::parse(&[(field.to_owned(), text(value))], &columns).unwrap();
        let term = &filters.terms()[0].term;
        assert!(
            !term.holds(&Value::Text("7".to_owned())) && !term.holds(&Value::List(vec!["7".to_owned()])),
            "{field}"
        );
    }
    let filters = Filters::parse(&[("host".to_owned(), text("!7"))], &columns).unwrap();
    assert!(!filters.terms()[0].term.holds(&Value::Integer(1)));
}

/// One value of a term on text, in parts: whether it is negated, whether it must equal the whole, and the sought text.
fn naive_text(value: &str) -> (bool, bool, String) {
    let (negated, rest) = value.strip_prefix('!').map_or((false, value), |rest| (true, rest));
    let (whole, rest) = rest.strip_prefix('=').map_or((false, rest), |rest| (true, rest));
    (negated, whole, rest.to_ascii_lowercase())
}

fn scalar() -> impl Strategy<Value = Operand> {
    prop_oneof![
        Just(Operand::Null),
        any::<bool>().prop_map(Operand::Boolean),
        any::<f64>().prop_map(|value| Operand::Number(value.to_string())),
        any::<String>().prop_map(Operand::Text),
        "[!=<>. 0-9a-c]{0,6}".prop_map(Operand::Text),
        Just(Operand::Object),
    ]
}

proptest! {
    #[test]
    fn parsing_never_panics(operands in prop::collection::vec(scalar(), 0..4), one in scalar(), at in 0usize..9) {
        let (columns, finding) = report();
        let field = columns.iter().nth(at).unwrap().name.clone();
        for operand in [Operand::List(operands), one] {
            if let Ok(filters) = Filters::parse(&[(field.clone(), operand)], &columns) {
                filters.matches(&finding);
            }
        }
    }

    #[test]
    fn terms_on_text_agree_with_their_definition(values in prop::collection::vec("!?=?[aAbB!= ]{1,3}", 1..4), held in "[aAbB!= ]{1,6}") {
        let mut columns = Columns::default();
        let mut finding = Finding::default();
        finding.add(columns.appear("host"), Value::Text(held.clone()));
        let read: Vec<_> = values.iter().map(|value| naive_text(value)).collect();
        let operand = Operand::List(values.into_iter().map(Operand::Text).collect());
        let filters = Filters::parse(&[("host".to_owned(), operand)], &columns);
        prop_assert_eq!(filters.is_err(), read.iter().any(|(_, _, sought)| sought.is_empty()));
        if let Ok(filters) = filters {
            let held = held.to_ascii_lowercase();
            let passes = |(_, whole, sought): &&(bool, bool, String)| if *whole { held == *sought } else { held.contains(sought) };
            let mut positive = read.iter().filter(|(negated, ..)| !negated).peekable();
            let any = positive.peek().is_none() || positive.any(|test| passes(&test));
            let none = !read.iter().filter(|(negated, ..)| *negated).any(|test| passes(&test));
            prop_assert_eq!(filters.matches(&finding), any && none);
        }
    }

    /// A search over many texts at once finds what a search in each of them finds.
    #[test]
    fn terms_on_many_values_agree_with_those_on_one(
        tests in prop::collection::vec("!?=?[abÉsσς]{1,3}", 1..4),
        values in prop::collection::vec(prop::collection::vec("[aAbBéÉßΣσK]{0,5}", 1..4), 0..8),
    ) {
        let operand = Operand::List(tests.into_iter().map(Operand::Text).collect());
        for field_type in [FieldType::Text, FieldType::List] {
            let Ok(term) = Term::parse(field_type, &operand) else { continue };
            let mut folded = FoldedTexts::default();
            let mut expected = Vec::new();
            for elements in &values {
                let elements = if field_type == FieldType::Text { &elements[..1] } else { &elements[..] };
                folded.push(elements.iter().map(String::as_str));
                expected.push(match field_type {
                    FieldType::Text => term.holds(&Value::Text(elements[0].clone())),
                    _ => term.holds(&Value::List(elements.to_vec())),
                });
            }
            prop_assert_eq!(term.holding(&folded), expected);
        }
    }

    #[test]
    fn terms_on_integers_agree_with_arithmetic(held: i64, near in -3i64..=3, halves in 0u8..2, operator in 0usize..6) {
        let mut columns = Columns::default();
        let mut finding = Finding::default();
        finding.add(columns.appear("port"), Value::Integer(held));
        // Everything is doubled, so that halves are whole. Only small numbers have exact halves as floats.
        let operand = if halves == 1 { held % 1_000_000 + near } else { held.saturating_add(near) };
        let doubled = i128::from(operand) * 2 + if operand < 0 { -i128::from(halves) } else { i128::from(halves) };
        let (symbol, expected) = [
            ("", i128::from(held) * 2 == doubled),
            ("=", i128::from(held) * 2 == doubled),
            ("<", i128::from(held) * 2 < doubled),
            ("<=", i128::from(held) * 2 <= doubled),
            (">", i128::from(held) * 2 > doubled),
            ("!>=", i128::from(held) * 2 < doubled),
        ][operator];
        let written = format!("{symbol}{operand}{}", if halves == 1 { ".5" } else { "" });
        let filters = Filters::parse(&[("port".to_owned(), text(&written))], &columns).unwrap();
        prop_assert_eq!(filters.matches(&finding), expected, "{} of {}", written, held);
    }
}
