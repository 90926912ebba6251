//! Collects findings in batches, each with one arena, and sends them to the sink.

use scanhost_sdk::backend::findings::{Batch, Cell};

use super::{
    Sink,
    fields::{Names, Slot},
    host::{Host, MAX_VALUE, SHARED},
    item::{Item, Span},
};

/// A batch is sent when it has this many bytes, cells or findings. A batch of this size stays in a core's cache while
/// both sides read it.
const FULL_BYTES: usize = 256 * 1024;
const FULL_CELLS: usize = 500_000;
const FULL_FINDINGS: usize = 40_000;

/// A batch is also sent when its shared values have this many bytes, each counted once for each cell.
const FULL_SHARED: usize = 4 * 1024 * 1024;

/// The most bytes that the sink accepts in the values of all cells, and in the arena that holds them.
const MAX_VALUES: usize = 16 * 1024 * 1024;
const MAX_ARENA: usize = 8 * 1024 * 1024;

/// The most bytes of findings in an arena: they leave room for the host's values, its name twice, and a severity digit.
const MAX_BYTES: usize = MAX_ARENA - (SHARED.len() + 1) * MAX_VALUE - 1;

/// The most bytes of one finding.
pub const MAX_ITEM: usize = MAX_BYTES;

pub struct BatchWriter<'s, S> {
    sink: &'s mut S,
    batch: Batch,
    /// The index with which a field was declared, by slot.
    declared: Vec<Option<u32>>,
    declared_count: u32,
    /// The current host's values in the arena, once one of its findings needed them.
    shared: Option<[Option<Cell>; SHARED.len()]>,
    /// The bytes of shared values in all cells of this batch.
    shared_bytes: usize,
    /// The findings in this batch that still lack their host's properties.
    incomplete: Vec<Incomplete>,
    /// Whether findings of the current host were sent without its properties.
    lost_properties: bool,
}

struct Incomplete {
    finding: usize,
    /// The index of the cell before which the properties belong.
    cell: usize,
    /// Where the finding's cells end.
    end: usize,
}

impl<'s, S: Sink> BatchWriter<'s, S> {
    pub fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            batch: Batch { new_fields: Vec::new(), arena: Vec::new(), cells: Vec::new(), findings: Vec::new() },
            declared: Vec::new(),
            declared_count: 0,
            shared: None,
            shared_bytes: 0,
            incomplete: Vec::new(),
            lost_properties: false,
        }
    }

    /// The arena to which values of the current finding are written.
    pub fn arena(&mut self) -> &mut Vec<u8> {
        &mut self.batch.arena
    }

    pub fn begin_host(&mut self) {
        self.shared = None;
        self.lost_properties = false;
    }

    /// Adds the finding whose values are at the end of the arena.
    pub fn add(&mut self, item: &mut Item, host: &Host, names: &Names) -> Result<(), String> {
        let score = item.score();
        // Both severities have the same digit.
        let shared_bytes =
            1 + score.map_or(0, |span| span.length as usize) + host.values.iter().map(Vec::len).sum::<usize>();
        // Findings that are held back may use the room that the arena leaves.
        let room = MAX_VALUES - MAX_ARENA + MAX_BYTES.saturating_sub(self.batch.arena.len());
        let limit = if self.incomplete.is_empty() { FULL_SHARED } else { room };
        if self.batch.arena.len() > MAX_BYTES || self.shared_bytes + shared_bytes > limit {
            let own = self.batch.arena.split_off(item.start);
            self.flush()?;
            self.batch.arena = own;
            item.start = 0;
        }
        let shared = match self.shared {
            Some(shared) => shared,
            None => self.write_shared(host, names),
        };
        self.shared_bytes += shared_bytes;
        let start = self.batch.cells.len();
        for slot in Slot::header() {
            if slot == Slot::HOST_IP && !host.has_properties {
                let (finding, cell) = (self.batch.findings.len(), self.batch.cells.len());
                self.incomplete.push(Incomplete { finding, cell, end: cell });
            }
            let cell = match SHARED.iter().position(|shared| *shared == slot) {
                Some(place) => shared[place],
                None => {
                    let span = if slot == Slot::CVSS_SCORE { score } else { item.header[slot.index()] };
                    span.map(|span| self.cell(slot, span, item.start, names))
                }
            };
            self.batch.cells.extend(cell);
        }
        let header = self.batch.cells.len();
        for (slot, span) in &item.children {
            let cell = self.cell(*slot, *span, item.start, names);
            // An attribute, a host property and the computed score win over a child of that name.
            let is_taken = *slot <= Slot::CVSS_SCORE
                && self.batch.cells[start..header].iter().any(|present| {
                    let value = &self.batch.arena[present.offset as usize..][..present.length as usize];
                    present.field == cell.field && slot.takes(value)
                });
            if !is_taken {
                self.batch.cells.push(cell);
            }
        }
        if let Some(incomplete) = self.incomplete.last_mut()
            && incomplete.finding == self.batch.findings.len()
        {
            incomplete.end = self.batch.cells.len();
        }
        self.batch.findings.push((self.batch.cells.len() - start) as u32);
        if self.batch.cells.len() >= FULL_CELLS || self.batch.findings.len() >= FULL_FINDINGS {
            return self.flush();
        }
        // Findings of a host whose properties come last are held back as long as they fit.
        if self.incomplete.is_empty() { self.flush_if_full() } else { Ok(()) }
    }

    /// Adds the host's properties to its findings. Returns whether some findings were sent without them.
    pub fn complete(&mut self, host: &Host, names: &Names) -> bool {
        let incomplete = std::mem::take(&mut self.incomplete);
        self.shared = None;
        if incomplete.is_empty() {
            return self.lost_properties;
        }
        let shared = self.write_shared(host, names);
        let properties: Vec<Cell> = shared[1..].iter().flatten().copied().collect();
        let bytes: usize = properties.iter().map(|cell| cell.length as usize).sum();
        // In a guest these are 32 bits.
        let shared_bytes = incomplete.len().saturating_mul(bytes).saturating_add(self.shared_bytes);
        if shared_bytes > MAX_VALUES - self.batch.arena.len() {
            return true;
        }
        self.shared_bytes = shared_bytes;
        let cells = std::mem::take(&mut self.batch.cells);
        let mut copied = 0;
        for Incomplete { finding, cell, end } in incomplete {
            self.batch.cells.extend_from_slice(&cells[copied..cell]);
            let start = self.batch.cells.len();
            self.batch.cells.extend_from_slice(&properties);
            // As if the properties had come first, they win over children of the same name.
            let is_free = |cell: &&Cell| properties.iter().all(|property| property.field != cell.field);
            self.batch.cells.extend(cells[cell..end].iter().filter(is_free));
            let (before, now) = (end - cell, self.batch.cells.len() - start);
            self.batch.findings[finding] = self.batch.findings[finding] - before as u32 + now as u32;
            copied = end;
        }
        self.batch.cells.extend_from_slice(&cells[copied..]);
        self.lost_properties
    }

    pub fn end_host(&mut self) -> Result<(), String> {
        self.incomplete.clear();
        self.flush_if_full()
    }

    pub fn flush(&mut self) -> Result<(), String> {
        if !self.batch.findings.is_empty() {
            self.sink.emit(&self.batch)?;
        }
        self.lost_properties |= !self.incomplete.is_empty();
        self.incomplete.clear();
        self.shared = None;
        self.shared_bytes = 0;
        self.batch.new_fields.clear();
        self.batch.arena.clear();
        self.batch.cells.clear();
        self.batch.findings.clear();
        Ok(())
    }

    fn flush_if_full(&mut self) -> Result<(), String> {
        if self.batch.arena.len() >= FULL_BYTES { self.flush() } else { Ok(()) }
    }

    fn write_shared(&mut self, host: &Host, names: &Names) -> [Option<Cell>; SHARED.len()] {
        let shared = std::array::from_fn(|place| {
            let value = &host.values[place];
            let start = self.batch.arena.len();
            self.batch.arena.extend_from_slice(value);
            let span = Span { offset: 0, length: value.len() as u32 };
            (!value.is_empty()).then(|| self.cell(SHARED[place], span, start, names))
        });
        self.shared = Some(shared);
        shared
    }

    fn cell(&mut self, slot: Slot, span: Span, start: usize, names: &Names) -> Cell {
        if self.declared.len() <= slot.index() {
            self.declared.resize(slot.index() + 1, None);
        }
        let field = match self.declared[slot.index()] {
            Some(field) => field,
            None => {
                let field = self.declared_count;
                self.declared[slot.index()] = Some(field);
                self.declared_count += 1;
                self.batch.new_fields.push(names.name(slot).to_owned());
                field
            }
        };
        Cell { field, offset: start as u32 + span.offset, length: span.length }
    }
}
