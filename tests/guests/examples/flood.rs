//! A backend whose `parse` emits findings without end and ignores the errors that the host returns.

use guests::{Backend, Guest};
use scanhost_sdk::backend::{
    findings::{Batch, Cell, emit},
    reader::{ParseError, ReportInfo},
};

struct Flood;

impl Guest for Flood {
    const NAME: &'static str = "flood";

    fn parse() -> Result<ReportInfo, ParseError> {
        const FINDINGS: u32 = 10_000;
        let cell = |number: u32| Cell { field: 0, offset: number * 10, length: 10 };
        let mut batch = Batch {
            new_fields: vec!["host".to_owned()],
            arena: b"10.0.0.255".repeat(FINDINGS as usize),
            cells: (0..FINDINGS).map(cell).collect(),
            findings: vec![1; FINDINGS as usize],
        };
        loop {
            let _ = emit(&batch);
            batch.new_fields.clear();
        }
    }
}

type Component = Backend<Flood>;
scanhost_sdk::export_backend!(Component);
