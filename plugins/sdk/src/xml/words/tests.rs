use super::{find, is_same};

/// Tries every byte at every index of two words and a bit, between critical neighbours.
#[test]
fn find_returns_the_index_of_the_byte() {
    for length in 0..20 {
        for place in 0..length {
            for byte in 0..=u8::MAX {
                for filler in [b'(', b'=', b'?', b'z', 0x7f, 0x80, 0xa7, 0xbe, 0xff] {
                    let mut bytes = vec![filler; length];
                    bytes[place] = byte;
                    let expected = if byte < b'(' || byte == b'>' { place } else { length };
                    assert_eq!(find(&bytes, b'(', b'>'), expected, "{bytes:?}");
                }
            }
        }
    }
}

#[test]
fn find_returns_the_first_of_several() {
    for first in 0..16 {
        for second in first + 1..17 {
            let mut bytes = [b'n'; 17];
            (bytes[first], bytes[second]) = (b'>', 0);
            assert_eq!(find(&bytes, b'(', b'>'), first);
            (bytes[first], bytes[second]) = (b' ', b'>');
            assert_eq!(find(&bytes, b'(', b'>'), first);
        }
    }
}

#[test]
fn slices_that_differ_in_one_byte_or_in_length_are_not_same() {
    let name = b"vuln_publication_date";
    for length in 0..=name.len() {
        assert!(is_same(&name[..length], &name.to_vec()[..length]));
        for place in 0..length {
            let mut other = name[..length].to_vec();
            other[place] ^= 0x20;
            assert!(!is_same(&name[..length], &other));
            assert!(!is_same(&name[..length], &name[..place]));
        }
    }
}
