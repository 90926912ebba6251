//! One column of the segment that is being put together: a code for each finding that has the field.

use std::io::{self, Write};

use scanhost_domain::{
    field::{FieldIndex, FieldType},
    finding::Value,
};

use super::{
    blocks::BlockWriter,
    dictionary::{Dictionary, forget, narrow},
    directory::{Codes, Part, codes_for},
    fixed::{fixed_bits, fixed_value},
};

/// The bytes that a cell takes in memory.
const CELL_BYTES: usize = size_of::<(u32, u32)>();

/// How many bytes of capacity for a finding's values are kept from one segment to the next.
const PENDING_KEPT: usize = 4 << 10;

pub struct ColumnWriter {
    field_type: FieldType,
    /// The distinct values: texts as they were emitted, lists as their elements, each after its length.
    texts: Dictionary,
    /// For types of a fixed size, by the text's place: the code of its value, 0 if it is not of the type.
    codes: Vec<u32>,
    /// For types of a fixed size: the values by their codes.
    fixed: Vec<u64>,
    /// Row and code, in the order of the rows.
    cells: Vec<(u32, u32)>,
    // Invariant: empty, or the values that the current finding has of this field so far.
    pending: Pending,
}

/// The values of one finding, until it has ended.
#[derive(Default)]
struct Pending {
    texts: u32,
    bytes: Vec<u8>,
}

/// The result of taking a cell.
pub enum Taken {
    /// The value waits for the end of its finding.
    Waits,
    Stored(Value),
    /// The finding already has a value, and the first one counts.
    Superfluous,
    Mistyped,
}

impl ColumnWriter {
    pub fn new(field_type: FieldType) -> Self {
        let (texts, pending) = (Dictionary::default(), Pending::default());
        Self { field_type, texts, codes: Vec::new(), fixed: Vec::new(), cells: Vec::new(), pending }
    }

    pub fn is_waiting(&self) -> bool {
        self.pending.texts > 0
    }

    /// Takes a value that is not empty.
    pub fn take(&mut self, row: u32, text: &str) -> Taken {
        match self.field_type {
            FieldType::Text => {
                if self.pending.texts > 0 {
                    self.pending.bytes.push(b'\n');
                }
                self.pending.bytes.extend_from_slice(text.as_bytes());
                self.pending.texts += 1;
                Taken::Waits
            }
            FieldType::List => {
                put_element(&mut self.pending.bytes, text);
                self.pending.texts += 1;
                Taken::Waits
            }
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => {
                let code = self.fixed_code(text);
                let Some(place) = code.checked_sub(1) else { return Taken::Mistyped };
                if self.cells.last().is_some_and(|(last, _)| *last == row) {
                    return Taken::Superfluous;
                }
                self.cells.push((row, code));
                match fixed_value(self.field_type, self.fixed[place as usize]) {
                    Some(value) => Taken::Stored(value),
                    None => Taken::Mistyped,
                }
            }
        }
    }

    fn fixed_code(&mut self, text: &str) -> u32 {
        let (place, is_new) = self.texts.place(text.as_bytes());
        if is_new {
            let code = match Value::read(self.field_type, text).and_then(|value| fixed_bits(&value)) {
                Some(bits) => {
                    self.fixed.push(bits);
                    u32::try_from(self.fixed.len()).expect("there are fewer values than texts")
                }
                None => 0,
            };
            self.codes.push(code);
        }
        self.codes[place as usize]
    }

    /// Ends the finding.
    pub fn end_row(&mut self, row: u32) {
        let (place, _) = self.texts.place(&self.pending.bytes);
        self.cells.push((row, place + 1));
        self.pending.texts = 0;
        self.pending.bytes.clear();
    }

    /// The bytes that this column takes in memory, approximately.
    pub fn footprint(&self) -> usize {
        self.texts.footprint() + self.codes.len() * 4 + self.fixed.len() * 8 + self.cells.len() * CELL_BYTES
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub fn write(&self, field: FieldIndex, rows: u32, out: &mut BlockWriter<impl Write>) -> io::Result<Part> {
        let at = out.length();
        let values = match self.field_type {
            FieldType::Text | FieldType::List => self.texts.len(),
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => self.fixed.len(),
        };
        let values = narrow(values);
        let codes = codes_for(rows, narrow(self.cells.len()), values);
        out.write(&self.code_bytes(codes, rows))?;
        let (elements, heap) = match self.field_type {
            FieldType::Text => {
                let (bytes, ends) = self.texts.contents();
                out.write(&numbers(ends.iter().copied()))?;
                out.write(bytes)?;
                (values, bytes.len())
            }
            FieldType::List => {
                let lists = Lists::of(&self.texts);
                out.write(&numbers(lists.values.into_iter()))?;
                out.write(&numbers(lists.elements.iter().copied()))?;
                out.write(&lists.heap)?;
                (narrow(lists.elements.len()), lists.heap.len())
            }
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => {
                let bytes: Vec<u8> = self.fixed.iter().flat_map(|bits| bits.to_le_bytes()).collect();
                out.write(&bytes)?;
                (values, bytes.len())
            }
        };
        Ok(Part { field, codes, at, values, elements, heap: narrow(heap) })
    }

    fn code_bytes(&self, codes: Codes, rows: u32) -> Vec<u8> {
        match codes {
            Codes::Dense(width) => {
                let width = usize::from(width);
                let mut bytes = vec![0; rows as usize * width];
                for (row, code) in &self.cells {
                    let start = *row as usize * width;
                    bytes[start..start + width].copy_from_slice(&code.to_le_bytes()[..width]);
                }
                bytes
            }
            Codes::Sparse(_) => numbers(self.cells.iter().flat_map(|(row, code)| [*row, *code])),
        }
    }

    /// Forgets all values, for the next segment.
    pub fn clear(&mut self) {
        self.texts.clear();
        forget(&mut self.codes);
        forget(&mut self.fixed);
        forget(&mut self.cells);
        self.pending.bytes.shrink_to(PENDING_KEPT);
    }
}

/// Lists as they are written.
struct Lists {
    /// How many elements there are up to the end of each list.
    values: Vec<u32>,
    /// Where each element ends in the heap.
    elements: Vec<u32>,
    heap: Vec<u8>,
}

impl Lists {
    fn of(texts: &Dictionary) -> Self {
        let mut lists = Self { values: Vec::new(), elements: Vec::new(), heap: Vec::new() };
        for place in 0..narrow(texts.len()) {
            let mut rest = texts.get(place);
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (element, after) = after.split_at(u32::from_le_bytes(*length) as usize);
                lists.heap.extend_from_slice(element);
                lists.elements.push(narrow(lists.heap.len()));
                rest = after;
            }
            lists.values.push(narrow(lists.elements.len()));
        }
        lists
    }
}

fn put_element(list: &mut Vec<u8>, element: &str) {
    list.extend_from_slice(&narrow(element.len()).to_le_bytes());
    list.extend_from_slice(element.as_bytes());
}

fn numbers(numbers: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.size_hint().0 * size_of::<u32>());
    numbers.for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    bytes
}
