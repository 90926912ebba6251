//! The Nessus reader on any bytes: it ends with findings or with an error, and where the bytes are cut into pieces
//! changes neither.

use nessus::report::{Chunks, Malformed, Sink, read};
use scanhost_sdk::backend::findings::Batch;

/// # Panics
/// Where the reader does not keep what it promises.
pub fn check(data: &[u8]) {
    let whole = outcome(data, usize::MAX);
    if let Err(malformed) = &whole {
        assert!(malformed.offset <= data.len() as u64, "{malformed} is behind the end");
        assert!(!malformed.message.is_empty() && !malformed.message.contains('\n'), "{malformed:?}");
    }
    let pieces = outcome(data, 1 + data.len() % 13);
    assert_eq!(whole, pieces, "where the pieces end matters");
}

/// All that is read, as text.
fn outcome(report: &[u8], size: usize) -> Result<String, Malformed> {
    let mut notebook = Notebook::default();
    let summary = read(Pieces { report, size }, &mut notebook)?;
    assert_eq!(summary.findings, notebook.findings);
    Ok(format!("{:?} {:?} {} {:?}\n{}", summary.name, summary.targets, summary.hosts, summary.evidence, notebook.text))
}

struct Pieces<'a> {
    report: &'a [u8],
    size: usize,
}

impl Chunks for Pieces<'_> {
    fn next_chunk(&mut self) -> Result<Vec<u8>, String> {
        let (piece, rest) = self.report.split_at(self.size.min(self.report.len()));
        self.report = rest;
        Ok(piece.to_vec())
    }
}

/// Checks the rules of `findings.emit` and keeps what came.
#[derive(Default)]
struct Notebook {
    fields: Vec<String>,
    findings: u64,
    text: String,
}

impl Sink for Notebook {
    fn emit(&mut self, batch: &Batch) -> Result<(), String> {
        assert!(batch.arena.len() <= 8 << 20 && batch.cells.len() <= 1_000_000, "a batch is too large");
        assert!((1..=50_000).contains(&batch.findings.len()), "a batch has {} findings", batch.findings.len());
        self.fields.extend(batch.new_fields.iter().cloned());
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            for cell in cells.by_ref().take(*count as usize) {
                let value = &batch.arena[cell.offset as usize..][..cell.length as usize];
                let value = std::str::from_utf8(value).expect("values are UTF-8");
                assert!(!value.is_empty(), "an empty value");
                self.text += &format!("{}={value}|", self.fields[cell.field as usize]);
            }
            self.text.push('\n');
            self.findings += 1;
        }
        assert!(cells.next().is_none(), "cells of no finding");
        Ok(())
    }
}
