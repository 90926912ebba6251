//! Compares and searches short slices eight bytes at a time. A guest checks its time limit in each turn of a loop, at a
//! higher cost than that of a byte, and its C library compares slices byte by byte.

const LOW_BITS: u64 = u64::MAX / 0xff;
const HIGH_BITS: u64 = LOW_BITS << 7;

/// Whether the two slices are equal.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks();
    let (other_words, other_rest) = other.as_chunks();
    words.iter().zip(other_words).all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other))
        && rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

/// Returns the index of the first byte that is below `limit` or equals `other`, or the length if there is none.
/// `limit` is at most 128.
pub fn find(bytes: &[u8], limit: u8, other: u8) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A borrow can only mark bytes above a byte that was found, so the lowest mark is right.
        let found = below(word, limit) | below(word ^ (LOW_BITS * u64::from(other)), 1);
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let in_rest = rest.iter().position(|byte| *byte < limit || *byte == other);
    bytes.len() - rest.len() + in_rest.unwrap_or(rest.len())
}

/// Sets the highest bit of the lowest byte that is below `limit`, and perhaps those of bytes above it.
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(LOW_BITS * u64::from(limit)) & !word & HIGH_BITS
}

#[cfg(test)]
mod tests;
