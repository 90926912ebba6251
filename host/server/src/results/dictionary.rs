//! Distinct texts in the order in which they are first met, while a segment is being put together.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

/// What a text costs beside its bytes.
const ENTRY_BYTES: usize = 16;

#[derive(Default)]
pub struct Dictionary {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<u32>,
    by_hash: HashTable<u32>,
    // Seeded, since texts of a report come from whoever was scanned.
    hasher: DefaultHashBuilder,
    /// Neighbours often have the same.
    last: Option<u32>,
}

impl Dictionary {
    /// The text's place, and whether it is new.
    pub fn place(&mut self, text: &[u8]) -> (u32, bool) {
        if let Some(last) = self.last
            && text_at(&self.bytes, &self.ends, last) == text
        {
            return (last, false);
        }
        let hash = self.hasher.hash_one(text);
        let found = self.by_hash.find(hash, |place| text_at(&self.bytes, &self.ends, *place) == text);
        let (place, is_new) = match found {
            Some(place) => (*place, false),
            None => (self.add(text, hash), true),
        };
        self.last = Some(place);
        (place, is_new)
    }

    fn add(&mut self, text: &[u8], hash: u64) -> u32 {
        let place = u32::try_from(self.ends.len()).expect("a segment is bounded far below so many texts");
        self.bytes.extend_from_slice(text);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a segment is bounded far below 4 GiB"));
        let Self { bytes, ends, by_hash, hasher, .. } = self;
        by_hash.insert_unique(hash, place, |place| hasher.hash_one(text_at(bytes, ends, *place)));
        place
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

    /// Bytes in memory, about.
    pub fn footprint(&self) -> usize {
        self.bytes.len() + self.ends.len() * ENTRY_BYTES
    }

    /// Forgets all texts. Room that is small is kept, since the next segment will want it.
    pub fn clear(&mut self) {
        const KEPT: usize = 256 << 10;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ends.clear();
        self.by_hash.clear();
        self.last = None;
    }
}

fn text_at<'b>(bytes: &'b [u8], ends: &[u32], place: u32) -> &'b [u8] {
    let place = place as usize;
    let start = place.checked_sub(1).map_or(0, |before| ends[before] as usize);
    &bytes[start..ends[place] as usize]
}
