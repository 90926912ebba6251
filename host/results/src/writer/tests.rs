//! Written findings can be read again, and queries over columns agree with their definitions.

use std::{cmp::Ordering, collections::BTreeSet};

use proptest::prelude::*;
use scanhost_domain::{
    field::FieldType,
    filter::{Filters, Operand},
    finding::Finding,
    group::{Aggregate, Grouping, Measure},
    page::PageRequest,
    scan::AuthenticationStatus,
};
use scanhost_sandbox::{Plan, Selection};
use serde_json::{Map, Value as Json};

use super::*;
use crate::{Selected, View};

/// One field of each type, and two more texts and lists to combine.
const FIELDS: [(&str, FieldType); 8] = [
    ("host", FieldType::Text),
    ("plugin_output", FieldType::Text),
    ("cve", FieldType::List),
    ("xref", FieldType::List),
    ("port", FieldType::Integer),
    ("cvss_score", FieldType::Number),
    ("exploit_available", FieldType::Boolean),
    ("severity", FieldType::Severity),
];

/// Values by field: good ones, odd ones, and some that are not of the type.
fn value(field: usize) -> impl Strategy<Value = String> {
    let texts = match FIELDS[field].1 {
        FieldType::Text | FieldType::List => {
            vec!["a", "A", "ab", "b", "é", "ÀB", "a\nb", "", "0", "aaaaaaaaaaaaaaaaaaaaab"]
        }
        FieldType::Integer => vec!["0", "1", "-1", "443", "9223372036854775807", "x", "1.0"],
        FieldType::Number => vec!["0", "9.8", "9.80", "10.0", "-1", "1e300", "N/A", "inf"],
        FieldType::Boolean => vec!["true", "False", "maybe"],
        FieldType::Severity => vec!["Critical", "4", "high", "Info", "none"],
    };
    prop::sample::select(texts).prop_map(str::to_owned)
}

type Cells = Vec<(usize, String)>;

fn finding() -> impl Strategy<Value = Cells> {
    prop::collection::vec(
        (0..FIELDS.len()).prop_flat_map(|field| value(field).prop_map(move |text| (field, text))),
        0..12,
    )
}

/// What the definitions make of the same cells.
fn plain(cells: &Cells, columns: &mut Columns) -> Finding {
    let mut finding = Finding::default();
    for (field, text) in cells {
        let (name, field_type) = FIELDS[*field];
        if let Some(value) = Value::read(field_type, text) {
            finding.add(columns.appear(name), value);
        }
    }
    finding
}

fn batch(findings: &[Cells], new_fields: bool) -> Batch {
    let names = FIELDS.iter().map(|(name, _)| (*name).to_owned());
    let mut batch = Batch {
        new_fields: if new_fields { names.collect() } else { Vec::new() },
        arena: Vec::new(),
        cells: Vec::new(),
        findings: Vec::new(),
    };
    for finding in findings {
        for (field, text) in finding {
            let (field, offset, length) = (*field as u32, batch.arena.len() as u32, text.len() as u32);
            batch.cells.push(Cell { field, offset, length });
            batch.arena.extend_from_slice(text.as_bytes());
        }
        batch.findings.push(finding.len() as u32);
    }
    batch
}

/// A report with these findings, `rows` in a segment.
fn written(findings: &[Cells], rows: u32) -> (tempfile::TempDir, Report) {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { rows, ..Bounds::USUAL };
    let writer = FindingsWriter::with_bounds(folder.path(), Columns::default(), bounds).unwrap();
    let mut sink = writer.sink();
    let (first, second) = findings.split_at(findings.len() / 2);
    sink.emit(batch(first, true)).unwrap();
    sink.emit(batch(second, false)).unwrap();
    let authentication = AuthenticationStatus::Unknown;
    let info = ReportInfo { name: None, targets: None, hosts: 1, authentication, warnings: Vec::new() };
    writer.finish("mock", info).unwrap();
    let report = Report::open(folder.path()).unwrap().unwrap();
    (folder, report)
}

fn all_names() -> Vec<String> {
    FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn page(page: i64) -> PageRequest {
    PageRequest::parse(page, 10, 0).unwrap()
}

/// What an answer shows of each record.
fn shown(
    report: &Report,
    plan: &Plan,
    filters: &Map<String, Json>,
    page: PageRequest,
) -> (u64, Vec<Vec<Option<Value>>>) {
    let view = View::new("p".into(), None, plan, filters, report.columns()).unwrap();
    let selected = Selected::select(report, &view, page).unwrap();
    let mut records = Vec::new();
    let take = |record: crate::Record<'_>| {
        records.push((0..view.fields().len()).map(|field| record.get(field).cloned()).collect());
        Ok::<_, ReportError>(true)
    };
    selected.each(take).unwrap();
    (selected.total(), records)
}

fn plan(group: Option<Grouping>, order: Vec<(String, bool)>) -> Plan {
    let fields = if group.is_some() { Selection::All } else { Selection::Some(all_names()) };
    Plan { fields, filters: "{}".into(), group, order }
}

/// A finding's fields as an answer shows them.
fn row(finding: &Finding, columns: &Columns) -> Vec<Option<Value>> {
    all_names().iter().map(|name| columns.find(name).and_then(|field| finding.get(field)).cloned()).collect()
}

fn compare(a: &Option<Value>, b: &Option<Value>, descending: bool) -> Ordering {
    let by_value = |a: &Value, b: &Value| match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => a.cmp(b),
        (Value::Severity(a), Value::Severity(b)) => a.cmp(b),
        _ => unreachable!("one field has one type"),
    };
    match (a, b) {
        (Some(a), Some(b)) if descending => by_value(b, a),
        (Some(a), Some(b)) => by_value(a, b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn filters() -> impl Strategy<Value = Vec<(usize, String)>> {
    let operand = |field: usize| match FIELDS[field].1 {
        FieldType::Text | FieldType::List => prop::sample::select(vec!["a", "=A", "!b", "!=ab", "é", "0", "zz"]),
        FieldType::Integer | FieldType::Number => prop::sample::select(vec![">0", "443", "!1", "<=9.8", "=10"]),
        FieldType::Boolean => prop::sample::select(vec!["true", "!true"]),
        FieldType::Severity => prop::sample::select(vec![">=High", "Info", "!4"]),
    };
    let term =
        (0..FIELDS.len()).prop_flat_map(move |field| operand(field).prop_map(move |text| (field, text.to_owned())));
    prop::collection::vec(term, 0..4)
}

/// Terms on different fields, as an agent gives them.
fn json(terms: &[(usize, String)]) -> Map<String, Json> {
    terms.iter().map(|(field, text)| (FIELDS[*field].0.to_owned(), Json::from(text.as_str()))).collect()
}

fn matching(findings: &[Cells], terms: &Map<String, Json>, columns: &mut Columns) -> Vec<Finding> {
    let findings: Vec<Finding> = findings.iter().map(|cells| plain(cells, columns)).collect();
    let text = |value: &Json| Operand::Text(value.as_str().unwrap().to_owned());
    let terms: Vec<_> = terms.iter().map(|(field, value)| (field.clone(), text(value))).collect();
    let filters = Filters::parse(&terms, columns).unwrap();
    findings.into_iter().filter(|finding| filters.matches(finding)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn filtered_findings_agree_with_the_definition(
        findings in prop::collection::vec(finding(), 0..30), terms in filters(), rows in 1u32..9,
    ) {
        let (_folder, report) = written(&findings, rows);
        let (mut columns, terms) = (Columns::default(), json(&terms));
        let expected = matching(&findings, &terms, &mut columns);
        let names = |columns: &Columns| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(report.columns()), names(&columns), "by first appearance");
        let expected: Vec<_> = expected.iter().map(|finding| row(finding, &columns)).collect();
        let (total, found) = shown(&report, &plan(None, Vec::new()), &terms, page(0));
        prop_assert_eq!(total, expected.len() as u64);
        prop_assert_eq!(&found, &expected);
        let (_, second) = shown(&report, &plan(None, Vec::new()), &terms, page(2));
        prop_assert_eq!(&second[..], &expected[expected.len().min(10)..expected.len().min(20)]);
    }

    #[test]
    fn order_agrees_with_a_stable_sort(
        findings in prop::collection::vec(finding(), 0..30), terms in filters(), rows in 1u32..9,
        keys in prop::collection::vec((0..FIELDS.len(), any::<bool>()), 1..4),
    ) {
        let (_folder, report) = written(&findings, rows);
        let (mut columns, terms) = (Columns::default(), json(&terms));
        let mut expected: Vec<_> =
            matching(&findings, &terms, &mut columns).iter().map(|finding| row(finding, &columns)).collect();
        expected.sort_by(|a, b| {
            let by_key = keys.iter().map(|(field, descending)| compare(&a[*field], &b[*field], *descending));
            by_key.fold(Ordering::Equal, Ordering::then)
        });
        let order: Vec<_> = keys.iter().map(|(field, down)| (FIELDS[*field].0.to_owned(), *down)).collect();
        let (_, found) = shown(&report, &plan(None, order.clone()), &terms, page(0));
        prop_assert_eq!(&found, &expected);
        let (_, first) = shown(&report, &plan(None, order), &terms, page(1));
        prop_assert_eq!(&first[..], &expected[..expected.len().min(10)]);
    }

    #[test]
    fn groups_agree_with_a_loop_over_findings(
        findings in prop::collection::vec(finding(), 0..30), terms in filters(), rows in 1u32..9,
        by in prop::collection::btree_set(0..FIELDS.len(), 1..3), of in 0..FIELDS.len(), limit in 1usize..3,
    ) {
        let (_folder, report) = written(&findings, rows);
        let (mut columns, terms) = (Columns::default(), json(&terms));
        let members: Vec<_> =
            matching(&findings, &terms, &mut columns).iter().map(|finding| row(finding, &columns)).collect();
        let (found, expected) = (grouped(&report, &terms, &by, of, limit), naive_groups(&members, &by, of, limit));
        prop_assert_eq!(found, expected);
    }
}

const MEASURES: [&str; 6] = ["n", "different", "some", "low", "high", "first"];

fn grouped(
    report: &Report,
    terms: &Map<String, Json>,
    by: &BTreeSet<usize>,
    of: usize,
    limit: usize,
) -> Vec<Vec<Option<Value>>> {
    let field = || FIELDS[of].0.to_owned();
    let measures = [
        Measure::Count,
        Measure::Distinct(field()),
        Measure::Values { field: field(), limit },
        Measure::Lowest(field()),
        Measure::Highest(field()),
        Measure::First(field()),
    ];
    let aggregate = |(name, measure): (&str, Measure)| Aggregate { name: name.to_owned(), measure };
    let by = by.iter().map(|field| FIELDS[*field].0.to_owned()).collect();
    let grouping = Grouping { by, aggregates: MEASURES.into_iter().zip(measures).map(aggregate).collect() };
    let order = vec![("n".to_owned(), true), ("high".to_owned(), false)];
    shown(report, &plan(Some(grouping), order), terms, page(0)).1
}

/// Elements as texts, by first appearance.
fn elements(values: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for value in values {
        let texts = match value {
            Value::List(list) => list.clone(),
            other => vec![crate::group_values::text_of(other)],
        };
        for text in texts {
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

fn naive_groups(
    members: &[Vec<Option<Value>>],
    by: &BTreeSet<usize>,
    of: usize,
    limit: usize,
) -> Vec<Vec<Option<Value>>> {
    let key = |member: &Vec<Option<Value>>| by.iter().map(|field| member[*field].clone()).collect::<Vec<_>>();
    let mut groups: Vec<(Vec<Option<Value>>, Vec<Value>, i64)> = Vec::new();
    for member in members {
        let place = groups.iter().position(|(known, ..)| *known == key(member)).unwrap_or_else(|| {
            groups.push((key(member), Vec::new(), 0));
            groups.len() - 1
        });
        groups[place].1.extend(member[of].clone());
        groups[place].2 += 1;
    }
    let mut rows: Vec<Vec<Option<Value>>> = Vec::new();
    for (key, values, count) in groups {
        let some = |value: &Value| Some(value.clone());
        let ordered = |a: &&Value, b: &&Value| compare(&some(a), &some(b), false);
        let texts = elements(&values);
        let list: Vec<String> = texts.iter().take(limit).cloned().collect();
        rows.push(
            key.into_iter()
                .chain([
                    Some(Value::Integer(count)),
                    Some(Value::Integer(texts.len() as i64)),
                    (!list.is_empty()).then_some(Value::List(list)),
                    values.iter().min_by(ordered).cloned(),
                    values.iter().max_by(ordered).cloned(),
                    values.first().cloned(),
                ])
                .collect(),
        );
    }
    let (count, high) = (by.len(), by.len() + 4);
    rows.sort_by(|a, b| compare(&a[count], &b[count], true).then(compare(&a[high], &b[high], false)));
    rows
}

/// A report with a bit of everything, in several blocks.
fn sizeable() -> Vec<Cells> {
    let output = |number: usize| format!("{number} {}", "found ".repeat(500 + number % 700));
    (0..300)
        .map(|number| vec![(0, format!("host-{}", number % 7)), (1, output(number)), (4, number.to_string())])
        .collect()
}

#[test]
fn flipped_byte_is_always_noticed() {
    let findings = sizeable();
    let (folder, report) = written(&findings, 100);
    let everything = shown(&report, &plan(None, Vec::new()), &Map::new(), page(0));
    let path = path(folder.path());
    let whole = std::fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 61).chain(whole.len() - 60..whole.len()) {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x20;
        std::fs::write(&path, flipped).unwrap();
        let is_noticed = match Report::open(folder.path()) {
            Err(ReportError::Damaged(_)) => true,
            Err(error) => panic!("at {place}: {error}"),
            Ok(report) => {
                let report = report.unwrap();
                let view = View::new("p".into(), None, &plan(None, Vec::new()), &Map::new(), report.columns()).unwrap();
                let selected = Selected::select(&report, &view, page(0));
                let read = selected.and_then(|selected| selected.each(|_| Ok::<_, ReportError>(true)));
                matches!(read, Err(ReportError::Damaged(_)))
            }
        };
        assert!(is_noticed, "the byte at {place}");
    }
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(Report::open(folder.path()), Err(ReportError::Damaged(_))), "cut off");
    std::fs::write(&path, whole).unwrap();
    let report = Report::open(folder.path()).unwrap().unwrap();
    assert_eq!(shown(&report, &plan(None, Vec::new()), &Map::new(), page(0)), everything);
}

#[test]
fn unfinished_findings_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let writer =
        FindingsWriter::with_bounds(folder.path(), Columns::default(), Bounds { bytes: 1 << 20, rows: 10 }).unwrap();
    writer.sink().emit(batch(&sizeable(), true)).unwrap();
    assert!(Report::open(folder.path()).unwrap().is_none());
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "what was not finished is gone");
    std::fs::write(folder.path().join("findings-0"), "left by a process that was killed").unwrap();
    FindingsWriter::discard_unfinished(folder.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn shared_values_count_for_each_cell() {
    let folder = tempfile::tempdir().unwrap();
    let writer = FindingsWriter::with_bounds(folder.path(), Columns::default(), Bounds::USUAL).unwrap();
    let length = 1 << 20;
    let sharing = |findings: usize| Batch {
        new_fields: vec!["plugin_output".to_owned()],
        arena: vec![b'x'; length],
        cells: vec![Cell { field: 0, offset: 0, length: length as u32 }; findings],
        findings: vec![1; findings],
    };
    let error = writer.sink().emit(sharing(17)).unwrap_err();
    assert!(error.contains("16777216 bytes"), "{error}");
    writer.sink().emit(sharing(16)).unwrap();
}
