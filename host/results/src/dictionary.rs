//! Distinct texts in the order of their first occurrence, while a segment is being written.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

/// The bytes that a text takes in memory beside its own.
const ENTRY_BYTES: usize = 20;

#[derive(Default)]
pub struct Dictionary {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<u32>,
    by_hash: HashTable<Entry>,
    // Seeded, since texts of a report come from whoever was scanned.
    hasher: DefaultHashBuilder,
    /// The place of the last text, since neighbouring findings often have the same.
    last: Option<u32>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Stored, since otherwise all texts would have to be hashed again whenever the table grows.
    hash: u32,
    place: u32,
}

impl Entry {
    /// The table takes the bucket from the low bits and a tag from the high ones.
    fn wide_hash(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl Dictionary {
    /// The text's place, and whether it is new.
    pub fn place(&mut self, text: &[u8]) -> (u32, bool) {
        if let Some(last) = self.last
            && text_at(&self.bytes, &self.ends, last) == text
        {
            return (last, false);
        }
        let entry = Entry { hash: self.hasher.hash_one(text) as u32, place: narrow(self.ends.len()) };
        let is_it = |known: &Entry| known.hash == entry.hash && text_at(&self.bytes, &self.ends, known.place) == text;
        let found = self.by_hash.find(entry.wide_hash(), is_it).map(|known| known.place);
        let place = found.unwrap_or(entry.place);
        self.last = Some(place);
        if found.is_none() {
            self.bytes.extend_from_slice(text);
            self.ends.push(narrow(self.bytes.len()));
            self.by_hash.insert_unique(entry.wide_hash(), entry, |known| known.wide_hash());
        }
        (place, found.is_none())
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All texts, one after the other, and where each ends.
    pub fn contents(&self) -> (&[u8], &[u32]) {
        (&self.bytes, &self.ends)
    }

    pub fn get(&self, place: u32) -> &[u8] {
        text_at(&self.bytes, &self.ends, place)
    }

    /// The bytes that the dictionary takes in memory, approximately.
    pub fn footprint(&self) -> usize {
        self.bytes.len() + self.ends.len() * ENTRY_BYTES
    }

    /// Forgets all texts. Some capacity is kept for the next segment.
    pub fn clear(&mut self) {
        const KEPT: usize = 256 << 10;
        let (had, bytes) = (self.ends.len(), self.bytes.len());
        self.bytes.clear();
        self.bytes.shrink_to(KEPT.min(bytes));
        forget(&mut self.ends);
        self.by_hash.clear();
        if self.by_hash.capacity() / 4 > had {
            self.by_hash.shrink_to(had, |known| known.wide_hash());
        }
        self.last = None;
    }
}

/// Clears the items, and shrinks the capacity if less than a quarter of it was used: a report may have thousands of
/// columns, and each may be large in one segment only.
pub fn forget<T>(items: &mut Vec<T>) {
    let had = items.len();
    items.clear();
    if items.capacity() / 4 > had {
        items.shrink_to(had);
    }
}

/// A size as a segment stores it.
pub fn narrow(size: usize) -> u32 {
    u32::try_from(size).expect("a segment is bounded far below 4 GiB")
}

fn text_at<'b>(bytes: &'b [u8], ends: &[u32], place: u32) -> &'b [u8] {
    let place = place as usize;
    let start = place.checked_sub(1).map_or(0, |before| ends[before] as usize);
    &bytes[start..ends[place] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(dictionary: &mut Dictionary, texts: u32) {
        for number in 0..texts {
            let text = number.to_string();
            assert_eq!(dictionary.place(text.as_bytes()), (number, true));
            assert_eq!(dictionary.place(text.as_bytes()), (number, false));
        }
    }

    #[test]
    fn texts_keep_their_places_however_many_follow() {
        let mut dictionary = Dictionary::default();
        for texts in [5_000, 7] {
            filled(&mut dictionary, texts);
            for number in (0..texts).rev() {
                assert_eq!(dictionary.place(number.to_string().as_bytes()), (number, false));
                assert_eq!(dictionary.get(number), number.to_string().as_bytes());
            }
            dictionary.clear();
            assert_eq!(dictionary.len(), 0);
        }
    }

    #[test]
    fn capacity_follows_the_size_of_the_last_segment() {
        let mut dictionary = Dictionary::default();
        filled(&mut dictionary, 5_000);
        dictionary.clear();
        assert!(dictionary.ends.capacity() >= 5_000 && dictionary.by_hash.capacity() >= 5_000);
        filled(&mut dictionary, 10);
        dictionary.clear();
        assert!(dictionary.ends.capacity() <= 40 && dictionary.by_hash.capacity() <= 40);
        dictionary.clear();
        assert_eq!((dictionary.bytes.capacity(), dictionary.ends.capacity(), dictionary.by_hash.capacity()), (0, 0, 0));
    }
}
