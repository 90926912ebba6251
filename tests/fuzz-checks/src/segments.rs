//! Findings on disk: what was written comes back, and what was not written so ends in an error or in other findings,
//! also where every checksum is right.
//!
//! The first byte says how many bytes of the file are changed, four bytes where and one byte to what for each of them.
//! The rest are values: a line each, a letter for the field and a text; an empty line ends a finding.

use scanhost_domain::{
    field::{Columns, FieldType},
    filter::{Filters, Operand},
    finding::{Finding, Value},
    scan::Summary,
};
use scanhost_results::{
    Report,
    on_disk::{BLOCK, Bounds, ReportMeta, SegmentWriter, path},
};
use xxhash_rust::xxh3::xxh3_64;

/// One field of each type, and two more texts and lists.
const FIELDS: [(&str, FieldType); 8] = [
    ("host", FieldType::Text),
    ("note", FieldType::Text),
    ("cve", FieldType::List),
    ("xref", FieldType::List),
    ("port", FieldType::Integer),
    ("cvss_score", FieldType::Number),
    ("exploit_available", FieldType::Boolean),
    ("severity", FieldType::Severity),
];

/// Lengths of the data and of the footer's three parts, and the footer's checksum; then version and magic.
const TRAILER: usize = 5 * 8 + 4 + 8;

/// # Panics
/// Where the columns do not keep what they promise.
pub fn check(data: &[u8]) {
    let count = data.first().map_or(0, |count| usize::from(*count % 8));
    let (changes, text) = data.get(1..).unwrap_or_default().split_at_checked(5 * count).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let findings = findings(&text);
    let mut file = written(&findings);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let opened = |file: &[u8]| {
        std::fs::write(path(folder.path()), file).expect("a file can be written");
        Report::open(folder.path())
    };
    let report = opened(&file).expect("what was written can be opened").expect("it is there");
    assert_eq!(read(&report), Some(plain(&findings)));
    look_at_all(&report).expect("what was written can be read");

    for change in changes.chunks_exact(5) {
        let place = u32::from_le_bytes([change[0], change[1], change[2], change[3]]) as usize % file.len();
        file[place] = change[4];
    }
    if let Ok(Some(report)) = opened(&file)
        && let Some(same) = read(&report)
    {
        assert_eq!(same, plain(&findings), "a checksum holds for other bytes");
    }
    seal(&mut file);
    if let Ok(Some(report)) = opened(&file) {
        let _other = read(&report);
        let _damaged = look_at_all(&report);
    }
}

fn findings(text: &str) -> Vec<Vec<(usize, &str)>> {
    text.split("\n\n").map(cells).collect()
}

fn cells(finding: &str) -> Vec<(usize, &str)> {
    let mut cells = Vec::new();
    for line in finding.split('\n') {
        let mut rest = line.chars();
        let Some(letter) = rest.next() else { continue };
        if !rest.as_str().is_empty() {
            cells.push((letter as usize % FIELDS.len(), rest.as_str()));
        }
    }
    cells
}

/// A file with these findings, in small segments.
fn written(findings: &[Vec<(usize, &str)>]) -> Vec<u8> {
    let mut writer = SegmentWriter::new(Vec::new(), columns(), Bounds { bytes: 1 << 16, rows: 3 });
    let fields = FIELDS.map(|(name, _)| writer.field(name.to_owned()));
    for finding in findings {
        for (field, text) in finding {
            // What is not of the type is left out.
            let _mistyped = writer.take(fields[*field], text);
        }
        writer.end_row().expect("memory can be written");
    }
    let written = writer.finish().expect("memory can be written");
    let meta = |columns: &Columns| ReportMeta::new("fuzz".to_owned(), (None, None), &Summary::default(), columns);
    Report::finish(written, meta).expect("memory can be written")
}

fn columns() -> Columns {
    Columns::new([("note".to_owned(), FieldType::Text)])
}

/// What each finding has of each field, by the definitions alone.
fn plain(findings: &[Vec<(usize, &str)>]) -> Vec<Vec<Option<Value>>> {
    let mut columns = columns();
    let places = FIELDS.map(|(name, _)| columns.appear(name));
    let finding = |cells: &Vec<(usize, &str)>| {
        let mut finding = Finding::default();
        for (field, text) in cells {
            if let Some(value) = Value::read(FIELDS[*field].1, text) {
                finding.add(places[*field], value);
            }
        }
        places.iter().map(|place| finding.get(*place).cloned()).collect()
    };
    findings.iter().map(finding).collect()
}

/// The same, read; none where it is damaged.
fn read(report: &Report) -> Option<Vec<Vec<Option<Value>>>> {
    let mut findings = Vec::new();
    for (number, segment) in report.segments().iter().enumerate() {
        let mut rows = vec![vec![None; FIELDS.len()]; segment.rows as usize];
        for (field, (name, _)) in FIELDS.iter().enumerate() {
            let Some(place) = report.columns().find(name) else { continue };
            let Some(column) = report.column(number, place) else { continue };
            let codes = column.codes().ok()?;
            let mut wanted: Vec<u32> = codes.iter().copied().filter(|code| *code > 0).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let values = column.values_of(&wanted).ok()?;
            for (row, code) in rows.iter_mut().zip(codes) {
                row[field] = wanted.binary_search(&code).ok().map(|place| values[place].clone());
            }
        }
        findings.extend(rows);
    }
    Some(findings)
}

/// Asks every column what holds for its values, which reads all of them; none where one is damaged.
fn look_at_all(report: &Report) -> Option<()> {
    let mut all = Some(());
    for (name, field_type) in FIELDS {
        let Some(place) = report.columns().find(name) else { continue };
        let value = if matches!(field_type, FieldType::Text | FieldType::List) { "a" } else { "1" };
        let value = if field_type == FieldType::Boolean { "true" } else { value };
        let filters = Filters::parse(&[(name.to_owned(), Operand::Text(value.to_owned()))], report.columns());
        let filters = filters.ok()?;
        for segment in 0..report.segments().len() {
            let Some(column) = report.column(segment, place) else { continue };
            all = all.and_then(|()| column.holding(&filters.terms()[0].term).ok().map(drop));
        }
    }
    all
}

/// Makes all checksums right.
fn seal(file: &mut [u8]) {
    let start = file.len() - TRAILER;
    let number = |file: &[u8], place: usize| {
        let bytes = file[start + 8 * place..][..8].try_into().expect("eight bytes");
        usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
    };
    let (data, directory, sums) = (number(file, 0), number(file, 1), number(file, 2));
    if data > start || directory > start - data || sums > start - data - directory {
        return;
    }
    let (blocks, footer) = file[..start].split_at_mut(data);
    let places = footer[directory..directory + sums].chunks_exact_mut(8);
    for (block, sum) in blocks.chunks(BLOCK).zip(places) {
        sum.copy_from_slice(&xxh3_64(block).to_le_bytes());
    }
    let checksum = xxh3_64(footer) ^ data as u64;
    file[start + 4 * 8..][..8].copy_from_slice(&checksum.to_le_bytes());
}
