//! Many texts one after the other, so that a store can apply a term to all of them in one search.

use super::fold::fold_into;

/// Values of a text or list field, in lower case. A text is one element; a list has several.
#[derive(Clone, Debug, Default)]
pub struct FoldedTexts {
    folded: String,
    /// Where each element ends in `folded`.
    ends: Vec<usize>,
    /// How many elements there are up to the end of each value.
    values: Vec<usize>,
}

impl FoldedTexts {
    /// Adds a value with its elements.
    pub fn push<'t>(&mut self, elements: impl Iterator<Item = &'t str>) {
        for element in elements {
            fold_into(element, &mut self.folded);
            self.ends.push(self.folded.len());
        }
        self.values.push(self.ends.len());
    }

    pub fn clear(&mut self) {
        self.folded.clear();
        self.ends.clear();
        self.values.clear();
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Marks each value that has an element equal to this.
    pub(super) fn mark_equal(&self, sought: &str, marks: &mut [bool]) {
        let (mut start, mut value) = (0, 0);
        for (element, end) in self.ends.iter().enumerate() {
            value = self.value_of(element, value);
            if end - start == sought.len() && self.folded.as_bytes()[start..*end] == *sought.as_bytes() {
                marks[value] = true;
            }
            start = *end;
        }
    }

    /// Marks each value that has an element with this in it.
    pub(super) fn mark_containing(&self, sought: &str, marks: &mut [bool]) {
        let bytes = self.folded.as_bytes();
        let finder = memchr::memmem::Finder::new(sought);
        let (mut from, mut element, mut value) = (0, 0, 0);
        while let Some(found) = finder.find(&bytes[from..]) {
            let found = from + found;
            element += self.ends[element..].partition_point(|end| *end <= found);
            if found + sought.len() > self.ends[element] {
                // The match spans two adjacent texts.
                from = found + 1;
                continue;
            }
            value = self.value_of(element, value);
            marks[value] = true;
            from = self.ends[self.values[value] - 1];
        }
    }

    /// The value that an element belongs to, which is this one or a later one.
    fn value_of(&self, element: usize, from: usize) -> usize {
        from + self.values[from..].partition_point(|end| *end <= element)
    }
}
