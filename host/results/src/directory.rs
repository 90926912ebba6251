//! Which columns each segment has, and where they are in the file. The directory is in memory while a report is open.

use scanhost_domain::field::{FieldIndex, FieldType};

/// The most findings that a segment may have.
pub const MAX_ROWS: u32 = 1 << 16;

/// Some consecutive findings of a report, stored column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// How many findings it has, at most [`MAX_ROWS`].
    pub rows: u32,
    /// The columns, ordered by field. Fields that no finding of the segment has are absent.
    pub parts: Vec<Part>,
}

/// One column of a segment: the code of a value for each row, 0 for none, and the distinct values by code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub field: FieldIndex,
    pub codes: Codes,
    /// Where the codes begin; the values follow them.
    pub at: u64,
    /// The number of distinct values. The first has code 1.
    pub values: u32,
    /// The number of elements of all distinct values: a list may have several.
    pub elements: u32,
    /// The bytes of all elements.
    pub heap: u32,
}

/// How the codes of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// One code for each row, in this many bytes: 1, 2 or 4.
    Dense(u8),
    /// Row and code, of four bytes each, for this many rows, in order.
    Sparse(u32),
}

/// The narrowest way to write codes.
pub fn codes_for(rows: u32, present: u32, values: u32) -> Codes {
    let width = match values {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    };
    if u64::from(present) * 8 < u64::from(rows) * u64::from(width) {
        Codes::Sparse(present)
    } else {
        Codes::Dense(width)
    }
}

impl Segment {
    pub fn part(&self, field: FieldIndex) -> Option<&Part> {
        self.parts.binary_search_by_key(&field, |part| part.field).ok().map(|place| &self.parts[place])
    }
}

impl Part {
    pub fn codes_length(&self, rows: u32) -> usize {
        match self.codes {
            Codes::Dense(width) => rows as usize * usize::from(width),
            Codes::Sparse(present) => present as usize * 8,
        }
    }

    /// Where the values begin.
    pub fn values_at(&self, rows: u32) -> u64 {
        self.at + self.codes_length(rows) as u64
    }

    /// The bytes of the ends before the heap: for lists where each value ends among the elements, and for lists and texts
    /// where each element ends in the heap.
    pub fn ends_length(&self, field_type: FieldType) -> usize {
        match field_type {
            FieldType::List => (self.values as usize + self.elements as usize) * 4,
            FieldType::Text => self.elements as usize * 4,
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => 0,
        }
    }
}

/// Writes the directory as bytes.
pub fn encode(segments: &[Segment]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in segments {
        put(&mut bytes, segment.rows);
        put(&mut bytes, u32::try_from(segment.parts.len()).expect("a report has at most 4,096 fields"));
        for part in &segment.parts {
            let (form, count) = match part.codes {
                Codes::Dense(width) => (u32::from(width), 0),
                Codes::Sparse(present) => (0, present),
            };
            bytes.extend_from_slice(&part.at.to_le_bytes());
            for number in [part.field.0, form, count, part.values, part.elements, part.heap] {
                put(&mut bytes, number);
            }
        }
    }
    bytes
}

/// Reads the directory; none if it is not well formed.
pub fn decode(mut bytes: &[u8]) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    while !bytes.is_empty() {
        let (rows, count) = (take(&mut bytes)?, take(&mut bytes)?);
        if rows > MAX_ROWS {
            return None;
        }
        let mut parts = Vec::new();
        for _ in 0..count {
            let (at, rest) = bytes.split_first_chunk::<8>()?;
            bytes = rest;
            let at = u64::from_le_bytes(*at);
            let field = FieldIndex(take(&mut bytes)?);
            let codes = match (take(&mut bytes)?, take(&mut bytes)?) {
                (0, present) => Codes::Sparse(present),
                (width @ (1 | 2 | 4), _) => Codes::Dense(width as u8),
                _ => return None,
            };
            let (values, elements, heap) = (take(&mut bytes)?, take(&mut bytes)?, take(&mut bytes)?);
            parts.push(Part { field, codes, at, values, elements, heap });
        }
        segments.push(Segment { rows, parts });
    }
    Some(segments)
}

fn put(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn take(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}
