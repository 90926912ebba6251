//! Filters on any words: they are read or refused, and what is read means what its negation does not.
//!
//! The first line names a field, each further line is a value: `t` and a text, `n` and a number, or one of the letters
//! of `operand`. Several are a list.

use scanhost_domain::{
    field::{Columns, FieldType},
    filter::{Filters, Operand},
    finding::{Finding, Severity, Value},
};

/// # Panics
/// Where the filter language does not keep what it promises.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let field = lines.next().unwrap_or_default();
    let mut values: Vec<Operand> = lines.map(operand).collect();
    let operand = if values.len() == 1 { values.remove(0) } else { Operand::List(values) };

    let (columns, findings) = report(&text);
    let Ok(filters) = Filters::parse(&[(field.to_owned(), operand.clone())], &columns) else { return };
    let standing = Filters::parse_standing(&[(field.to_owned(), operand.clone())], &columns);
    assert_eq!(standing.as_ref(), Ok(&filters), "what stands in a profile reads the same");
    for finding in &findings {
        let has_field = columns.find(field).is_some_and(|place| finding.get(place).is_some());
        let matches = filters.matches(finding);
        assert!(has_field || !matches, "a finding without the field matches");
        let twice = filters.clone().and(filters.clone());
        assert_eq!(twice.matches(finding), matches, "a term twice is another term");
        if let Some(negated) = negated(&operand)
            && let Ok(negated) = Filters::parse(&[(field.to_owned(), negated)], &columns)
        {
            assert_eq!(has_field && !matches, negated.matches(finding), "neither a term nor its negation, or both");
        }
    }
}

fn operand(line: &str) -> Operand {
    let rest = line.get(1..).unwrap_or_default().to_owned();
    match line.as_bytes().first() {
        Some(b't') => Operand::Text(rest),
        Some(b'n') => Operand::Number(rest),
        Some(b'b') => Operand::Boolean(rest.is_empty()),
        Some(b'l') => Operand::List(Vec::new()),
        Some(b'o') => Operand::Object,
        _ => Operand::Null,
    }
}

/// The opposite of one value that is not negated itself.
fn negated(operand: &Operand) -> Option<Operand> {
    match operand {
        Operand::Text(text) | Operand::Number(text) if !text.trim_start().starts_with('!') => {
            Some(Operand::Text(format!("!{text}")))
        }
        _ => None,
    }
}

/// Findings with something of each type, among it what the filter itself says.
fn report(text: &str) -> (Columns, Vec<Finding>) {
    let mut columns = Columns::new([("level".to_owned(), FieldType::Integer)]);
    let last = text.rsplit('\n').next().unwrap_or_default().get(1..).unwrap_or_default();
    let numbers = [0, 7, i64::MAX, i64::MIN, last.parse().unwrap_or_default()];
    let findings = numbers.into_iter().zip(Severity::ALL).map(|(number, severity)| {
        let mut finding = Finding::default();
        let mut add = |name: &str, value| finding.add(columns.appear(name), value);
        add("host", Value::Text(text.to_owned()));
        add("cve", Value::List(text.split('\n').map(str::to_owned).collect()));
        add("port", Value::Integer(number));
        add("cvss_score", Value::Number(last.parse().ok().filter(|score: &f64| score.is_finite()).unwrap_or(7.5)));
        add("severity", Value::Severity(severity));
        if number != 0 {
            add("exploit_available", Value::Boolean(number > 0));
            add("note", Value::Text(last.to_owned()));
        }
        finding
    });
    let findings = findings.collect();
    (columns, findings)
}
