//! One column of one segment, read as far as needed: its codes, some of its values, or whether a term holds for each.

use std::ops::Range;

use scanhost_domain::{
    field::FieldType,
    filter::{FoldedTexts, Term},
    finding::Value,
};

use super::{
    blocks::BlockFile,
    directory::{Codes, Part},
    error::ReportError,
    fixed::fixed_value,
};

/// Texts are read in pieces of about this many bytes. A longer text is a piece of its own.
const PIECE: usize = 256 << 10;

/// Two values at most this many bytes apart are read at once, which costs less than another call.
const NEAR: usize = 4 << 10;

pub struct Column<'a> {
    file: &'a BlockFile,
    part: &'a Part,
    rows: u32,
    field_type: FieldType,
}

impl<'a> Column<'a> {
    pub fn new(file: &'a BlockFile, part: &'a Part, rows: u32, field_type: FieldType) -> Self {
        Self { file, part, rows, field_type }
    }

    /// The bytes of all distinct values.
    pub fn heap(&self) -> usize {
        self.part.heap as usize
    }

    /// The code of each row's value, 0 for none.
    pub fn codes(&self) -> Result<Vec<u32>, ReportError> {
        let bytes = self.file.read(self.part.at, self.part.codes_length(self.rows))?;
        self.fitting(match self.part.codes {
            Codes::Dense(width) => dense(width, &bytes),
            Codes::Sparse(_) => {
                let mut codes = vec![0; self.rows as usize];
                for pair in numbers(&bytes).chunks_exact(2) {
                    *codes.get_mut(pair[0] as usize).ok_or_else(unfit)? = pair[1];
                }
                codes
            }
        })
    }

    /// The codes of these rows, which ascend.
    pub fn codes_at(&self, rows: &[u32]) -> Result<Vec<u32>, ReportError> {
        let Codes::Dense(width) = self.part.codes else { return self.sparse_codes_at(rows) };
        let start = |row: u32| row as usize * usize::from(width);
        let (mut codes, mut bytes) = (Vec::with_capacity(rows.len()), Vec::new());
        for neighbours in rows.chunk_by(|a, b| start(b - a) <= NEAR) {
            let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) else { continue };
            let length = start(last + 1 - first);
            self.file.read_into(self.part.at + start(*first) as u64, length, &mut bytes)?;
            let part = dense(width, &bytes);
            codes.extend(neighbours.iter().map(|row| part[(row - first) as usize]));
        }
        self.fitting(codes)
    }

    fn sparse_codes_at(&self, rows: &[u32]) -> Result<Vec<u32>, ReportError> {
        let bytes = self.file.read(self.part.at, self.part.codes_length(self.rows))?;
        let pairs = numbers(&bytes);
        let (pairs, _) = pairs.as_chunks::<2>();
        let code = |row: &u32| pairs.binary_search_by_key(row, |[row, _]| *row).map_or(0, |place| pairs[place][1]);
        self.fitting(rows.iter().map(code).collect())
    }

    fn fitting(&self, codes: Vec<u32>) -> Result<Vec<u32>, ReportError> {
        if codes.iter().any(|code| *code > self.part.values) { Err(unfit()) } else { Ok(codes) }
    }

    /// For each code whether the term holds for its value. It never holds for no value.
    pub fn holding(&self, term: &Term) -> Result<Vec<bool>, ReportError> {
        let mut holding = vec![false];
        match self.field_type {
            FieldType::Text | FieldType::List => {
                let ends = self.ends()?;
                let (mut folded, mut bytes) = (FoldedTexts::default(), Vec::new());
                for piece in ends.pieces() {
                    let (start, end) = (ends.start_of(piece.start), ends.start_of(piece.end));
                    self.file.read_into(self.heap_at() + start as u64, end - start, &mut bytes)?;
                    let text = std::str::from_utf8(&bytes).map_err(|_| unfit())?;
                    folded.clear();
                    for value in piece {
                        folded.push(ends.texts(value, start, text));
                    }
                    holding.extend(term.holding(&folded));
                }
            }
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => {
                holding.extend(self.fixed()?.iter().map(|value| term.holds(value)));
            }
        }
        Ok(holding)
    }

    /// The values of these codes, which ascend and are not 0.
    pub fn values_of(&self, codes: &[u32]) -> Result<Vec<Value>, ReportError> {
        match self.field_type {
            FieldType::Text | FieldType::List => self.texts_of(codes),
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => {
                let values = self.fixed()?;
                codes.iter().map(|code| values.get(*code as usize - 1).cloned().ok_or_else(unfit)).collect()
            }
        }
    }

    fn texts_of(&self, codes: &[u32]) -> Result<Vec<Value>, ReportError> {
        let ends = self.ends()?;
        let place = |code: u32| code as usize - 1;
        if codes.last().is_some_and(|last| place(*last) >= ends.values()) {
            return Err(unfit());
        }
        let (mut values, mut bytes) = (Vec::with_capacity(codes.len()), Vec::new());
        let is_near = |a: &u32, b: &u32| ends.start_of(place(*b)) - ends.start_of(place(*a) + 1) <= NEAR;
        for neighbours in codes.chunk_by(is_near) {
            let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) else { continue };
            let (start, end) = (ends.start_of(place(*first)), ends.start_of(place(*last) + 1));
            self.file.read_into(self.heap_at() + start as u64, end - start, &mut bytes)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| unfit())?;
            for code in neighbours {
                let mut elements = ends.texts(place(*code), start, text);
                values.push(match self.field_type {
                    FieldType::List => Value::List(elements.map(str::to_owned).collect()),
                    _ => Value::Text(elements.next().unwrap_or_default().to_owned()),
                });
            }
        }
        Ok(values)
    }

    /// All values of a column whose type has a fixed size.
    pub fn fixed(&self) -> Result<Vec<Value>, ReportError> {
        let bytes = self.file.read(self.heap_at(), self.part.heap as usize)?;
        let bits = bytes.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("chunks of 8 bytes")));
        let values: Option<Vec<Value>> = bits.map(|bits| fixed_value(self.field_type, bits)).collect();
        values.filter(|values| values.len() == self.part.values as usize).ok_or_else(unfit)
    }

    /// Where each value of a column of texts or lists ends.
    pub fn ends(&self) -> Result<Ends, ReportError> {
        let bytes = self.file.read(self.part.values_at(self.rows), self.part.ends_length(self.field_type))?;
        let mut lists = numbers(&bytes);
        let (lists, elements) = match self.field_type {
            FieldType::List => {
                let elements = lists.split_off(self.part.values as usize);
                (Some(lists), elements)
            }
            _ => (None, lists),
        };
        let ends = Ends { lists, elements };
        if ends.is_well_formed(self.part) { Ok(ends) } else { Err(unfit()) }
    }

    /// Some of the elements of all lists.
    pub fn elements_at(&self, places: &[u32]) -> Result<Vec<String>, ReportError> {
        let ends = self.ends()?;
        let element = |place: &u32| {
            let range = ends.element(*place as usize);
            String::from_utf8(self.file.read(self.heap_at() + range.start as u64, range.len())?).map_err(|_| unfit())
        };
        places.iter().map(element).collect()
    }

    /// Reads a range of the bytes of all texts into `bytes`, whose content is replaced.
    pub fn heap_into(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<(), ReportError> {
        self.file.read_into(self.heap_at() + range.start as u64, range.len(), bytes)
    }

    fn heap_at(&self) -> u64 {
        self.part.values_at(self.rows) + self.part.ends_length(self.field_type) as u64
    }
}

/// Where texts end in the heap of their column, and lists among its texts.
pub struct Ends {
    /// None if each value is one text.
    lists: Option<Vec<u32>>,
    elements: Vec<u32>,
}

impl Ends {
    fn is_well_formed(&self, part: &Part) -> bool {
        let ascends = |ends: &[u32], to: u32| ends.is_sorted() && ends.last().copied().unwrap_or_default() == to;
        let lists = self.lists.as_ref().is_none_or(|lists| ascends(lists, part.elements));
        lists && ascends(&self.elements, part.heap)
    }

    pub fn values(&self) -> usize {
        self.lists.as_ref().unwrap_or(&self.elements).len()
    }

    /// The elements of a value.
    pub fn elements_of(&self, value: usize) -> Range<usize> {
        self.first_element(value)..self.first_element(value + 1)
    }

    fn first_element(&self, value: usize) -> usize {
        match &self.lists {
            Some(lists) => value.checked_sub(1).map_or(0, |before| lists[before] as usize),
            None => value,
        }
    }

    pub fn elements(&self) -> u32 {
        u32::try_from(self.elements.len()).expect("a segment is bounded far below so many texts")
    }

    /// Where an element lies in the heap.
    pub fn element(&self, element: usize) -> Range<usize> {
        self.start_of_element(element)..self.start_of_element(element + 1)
    }

    /// Where an element begins in the heap; after the last one, where it ends.
    fn start_of_element(&self, element: usize) -> usize {
        element.checked_sub(1).map_or(0, |before| self.elements[before] as usize)
    }

    /// Where a value begins in the heap; after the last one, where it ends.
    fn start_of(&self, value: usize) -> usize {
        self.start_of_element(self.first_element(value))
    }

    /// The texts of a value, from a part of the heap that begins at `start`.
    fn texts<'t>(&'t self, value: usize, start: usize, heap: &'t str) -> impl Iterator<Item = &'t str> {
        let range = move |element| self.start_of_element(element) - start..self.start_of_element(element + 1) - start;
        // Texts were whole when they were written, so none ends inside a character.
        self.elements_of(value).map(move |element| heap.get(range(element)).unwrap_or_default())
    }

    /// Ranges of neighbouring values of at most [`PIECE`] bytes together.
    fn pieces(&self) -> impl Iterator<Item = Range<usize>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next;
            if start >= self.values() {
                return None;
            }
            next += 1;
            while next < self.values() && self.start_of(next + 1) - self.start_of(start) <= PIECE {
                next += 1;
            }
            Some(start..next)
        })
    }
}

/// The error for damage that was already there when the file was written, which checksums do not find.
fn unfit() -> ReportError {
    ReportError::Damaged("a column does not fit its description".into())
}

/// Reads codes of `width` bytes each.
fn dense(width: u8, bytes: &[u8]) -> Vec<u32> {
    match width {
        1 => bytes.iter().copied().map(u32::from).collect(),
        2 => pairs(bytes).map(u32::from).collect(),
        _ => numbers(bytes),
    }
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("chunks of 4 bytes"))).collect()
}
