//! The finding that is being read. Its values are at the end of the batch's arena.

use super::fields::{HEADER, Slot};

/// The most values that one finding may have.
pub const MAX_VALUES: usize = 100_000;

/// A range in the arena, relative to the start of the finding.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub offset: u32,
    pub length: u32,
}

#[derive(Default)]
pub struct Item {
    /// Where the finding begins in the arena.
    pub start: usize,
    /// The values of attributes, by slot.
    pub header: [Option<Span>; HEADER.len()],
    /// The children's values, in the report's order.
    pub children: Vec<(Slot, Span)>,
    /// The first score of each kind that is a number, in the order of [`Slot::scores`].
    pub scores: [Option<Span>; 3],
    /// The severity of `risk_factor`, as a digit.
    pub risk: Option<u8>,
    /// Whether this is plugin 19506, which prints information about the scan.
    pub is_scan_information: bool,
}

impl Item {
    pub fn begin(&mut self, start: usize) {
        let mut children = std::mem::take(&mut self.children);
        children.clear();
        *self = Self { start, children, ..Self::default() };
    }

    pub fn score(&self) -> Option<Span> {
        self.scores.into_iter().flatten().next()
    }

    /// Notes a child's value if a computed field depends on it.
    pub fn see(&mut self, slot: Slot, span: Span, value: &[u8]) {
        if slot == Slot::RISK_FACTOR {
            self.risk = self.risk.or_else(|| risk_level(value));
        } else if let Some(kind) = Slot::scores().into_iter().position(|score| score == slot)
            && self.scores[kind].is_none()
            && is_number(value)
        {
            self.scores[kind] = Some(span);
        }
    }
}

/// Whether the host accepts the value as a number.
fn is_number(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.parse().is_ok_and(f64::is_finite))
}

fn risk_level(word: &[u8]) -> Option<u8> {
    const LEVELS: [(&[u8], u8); 6] =
        [(b"critical", b'4'), (b"high", b'3'), (b"medium", b'2'), (b"low", b'1'), (b"none", b'0'), (b"info", b'0')];
    LEVELS.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, level)| level)
}
