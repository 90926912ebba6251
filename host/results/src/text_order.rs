//! Sorts the texts of a field over all segments in bounded memory, however long they are.

use std::ops::Range;

use scanhost_domain::field::FieldIndex;

use super::{
    column::{Column, Ends},
    error::ReportError,
    report::Report,
};

/// How many bytes of all texts are compared in one step, approximately.
const COMPARED: usize = 16 << 20;

/// How many bytes of each text are compared in one step, at least and at most.
const STEPS: (usize, usize) = (64, 64 << 10);

/// How many bytes are read at least, since texts are mostly read one after the other.
const READ_AHEAD: usize = 16 << 10;

/// A text: its segment, and its place among the texts of the segment.
pub type Text = (u32, u32);

/// The texts of one field.
pub struct Texts<'a> {
    /// The segments; none for one that does not have the field.
    segments: Vec<Option<(Column<'a>, Ends)>>,
}

enum Work {
    /// Texts that are equal.
    Done(Vec<Text>),
    /// Texts that are equal up to this place.
    Open(usize, Vec<Text>),
}

impl<'a> Texts<'a> {
    pub fn open(report: &'a Report, field: FieldIndex) -> Result<Self, ReportError> {
        let open = |segment| {
            let Some(column) = report.column(segment, field) else { return Ok(None) };
            let ends = column.ends()?;
            Ok(Some((column, ends)))
        };
        Ok(Self { segments: (0..report.segments().len()).map(open).collect::<Result<_, ReportError>>()? })
    }

    /// Where the texts of each segment end.
    pub fn into_ends(self) -> impl Iterator<Item = Option<Ends>> {
        self.segments.into_iter().map(|segment| segment.map(|(_, ends)| ends))
    }

    /// All texts in order, equal ones together.
    pub fn sorted(&self) -> Result<Vec<Vec<Text>>, ReportError> {
        let all = (0..).zip(&self.segments).filter_map(|(segment, texts)| Some((segment, texts.as_ref()?)));
        let all = all.flat_map(|(segment, (_, ends))| (0..ends.elements()).map(move |element| (segment, element)));
        let mut sorted = Vec::new();
        // The first texts are on top of the stack.
        let mut work = vec![Work::Open(0, all.collect())];
        while let Some(next) = work.pop() {
            match next {
                Work::Done(equal) => sorted.push(equal),
                Work::Open(from, texts) => {
                    let step = (COMPARED / texts.len().max(1)).clamp(STEPS.0, STEPS.1);
                    let later = work.len();
                    for (length, equal) in self.parts(&texts, from, step)?.groups() {
                        let is_open = length == step && equal.len() > 1;
                        work.push(if is_open { Work::Open(from + step, equal) } else { Work::Done(equal) });
                    }
                    work[later..].reverse();
                }
            }
        }
        Ok(sorted)
    }

    /// At most `step` bytes of each text, from this place on.
    fn parts(&self, texts: &[Text], from: usize, step: usize) -> Result<Parts, ReportError> {
        let mut parts = Parts::default();
        let (mut ahead, mut ahead_of) = (Vec::new(), (u32::MAX, 0));
        for text in texts {
            let (segment, element) = *text;
            let Some((column, ends)) = &self.segments[segment as usize] else { continue };
            let whole = ends.element(element as usize);
            let start = (whole.start + from).min(whole.end);
            let end = (start + step).min(whole.end);
            if ahead_of.0 != segment || start < ahead_of.1 || end > ahead_of.1 + ahead.len() {
                let until = end.max(start + READ_AHEAD).min(column.heap());
                column.heap_into(start..until, &mut ahead)?;
                ahead_of = (segment, start);
            }
            parts.add(*text, &ahead[start - ahead_of.1..end - ahead_of.1]);
        }
        Ok(parts)
    }
}

#[derive(Default)]
struct Parts {
    bytes: Vec<u8>,
    texts: Vec<(Range<usize>, Text)>,
}

impl Parts {
    fn add(&mut self, text: Text, part: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(part);
        self.texts.push((start..self.bytes.len(), text));
    }

    /// Groups of texts whose parts are equal, in the order of the parts, with the length of the parts.
    fn groups(mut self) -> Vec<(usize, Vec<Text>)> {
        let part = |(range, _): &(Range<usize>, Text)| &self.bytes[range.clone()];
        self.texts.sort_by(|a, b| part(a).cmp(part(b)));
        let equal = self.texts.chunk_by(|a, b| part(a) == part(b));
        equal.map(|texts| (texts[0].0.len(), texts.iter().map(|(_, text)| *text).collect())).collect()
    }
}
