//! Text between tags: line ends are normalised as XML defines, references are resolved, everything else is unchanged.
//! Control characters that XML forbids are kept, including the zero byte, since Nessus writes them.
//!
//! Text is read here and not by the XML reader, because copying is the main cost: here it goes directly from the input
//! to its destination.

use std::io::BufRead as _;

use super::{Chunks, Malformed, input::Input};

pub const NO_REFERENCE: &str = "`&` does not begin a reference";

/// The longest reference to a character is `&#x10FFFF;`; a few leading zeros more are allowed.
const MAX_REFERENCE: usize = 32;

/// What to do with the text.
pub enum Text<'a> {
    /// Append the text to `into`, which may have up to `limit` bytes; `too_long` is the error if it has more.
    Keep {
        into: &'a mut Vec<u8>,
        limit: usize,
        too_long: &'static str,
    },
    /// Append text of a finding, in which a `<` before white space is text. XML forbids it, but a real report has it,
    /// and no tag can begin this way. `loose` counts these.
    KeepLoose {
        into: &'a mut Vec<u8>,
        limit: usize,
        too_long: &'static str,
        loose: &'a mut u64,
    },
    Skip,
    /// Allow only white space; otherwise this is the error.
    Blank(&'static str),
}

/// Reads up to the next tag or to the end of the report.
pub fn take<C: Chunks>(input: &mut Input<C>, mut text: Text<'_>) -> Result<(), Malformed> {
    let mut is_after_return = false;
    loop {
        let position = input.position();
        let available = input.available()?;
        let Some(first) = available.first() else { return Ok(()) };
        // A carriage return and a line feed are one line break.
        if is_after_return {
            is_after_return = false;
            if *first == b'\n' {
                input.consume(1);
                continue;
            }
        }
        let stop = match text {
            Text::Keep { .. } | Text::KeepLoose { .. } => memchr::memchr3(b'<', b'&', b'\r', available),
            Text::Skip | Text::Blank(_) => memchr::memchr2(b'<', b'&', available),
        };
        let piece = &available[..stop.unwrap_or(available.len())];
        let (length, stop) = (piece.len(), stop.map(|place| available[place]));
        if let Err((message, at)) = text.take(piece) {
            // In some encodings the file has more bytes than the text.
            input.consume(at);
            return Err(Malformed::new(message, input.position()));
        }
        input.consume(length);
        match stop {
            Some(b'<') => match &mut text {
                Text::KeepLoose { into, loose, .. } if input.second().is_some_and(is_space) => {
                    input.consume(1);
                    into.push(b'<');
                    **loose += 1;
                }
                _ => return Ok(()),
            },
            Some(b'\r') => {
                input.consume(1);
                text.take(b"\n").map_err(|(message, _)| Malformed::new(message, position))?;
                is_after_return = true;
            }
            Some(_) => {
                let position = input.position();
                let character = take_reference(input, position)?;
                let mut bytes = [0; 4];
                text.take_reference(character.encode_utf8(&mut bytes).as_bytes())
                    .map_err(|message| Malformed::new(message, position))?;
            }
            None => {}
        }
    }
}

/// Appends the text of a CDATA section.
pub fn append_literal(literal: &[u8], into: &mut Vec<u8>) {
    let mut rest = literal;
    while let Some(place) = memchr::memchr(b'\r', rest) {
        into.extend_from_slice(&rest[..place]);
        into.push(b'\n');
        rest = &rest[place + 1..];
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    into.extend_from_slice(rest);
}

/// Returns the character that a reference stands for; `name` is the text between `&` and `;`.
pub fn resolve(name: &[u8]) -> Result<char, &'static str> {
    match name {
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"amp" => Ok('&'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        [b'#', b'x', digits @ ..] => character(digits, 16),
        [b'#', digits @ ..] => character(digits, 10),
        [] => Err(NO_REFERENCE),
        _ => Err("the report uses an entity that XML does not define: document type definitions are not read"),
    }
}

pub fn is_in_reference(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b':' | b'-' | b'.') || !byte.is_ascii()
}

/// Whether XML calls this white space, which is also trimmed from values.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Trims outer white space. Returns where the rest begins in `bytes`, and the rest.
pub fn trim(bytes: &[u8]) -> (usize, &[u8]) {
    let begin = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(*byte)).map_or(begin, |last| last + 1);
    (begin, &bytes[begin..end])
}

impl Text<'_> {
    #[inline]
    fn take(&mut self, piece: &[u8]) -> Result<(), (&'static str, usize)> {
        match self {
            Self::Keep { into, limit, too_long } | Self::KeepLoose { into, limit, too_long, .. } => {
                into.extend_from_slice(piece);
                if into.len() > *limit { Err((*too_long, 0)) } else { Ok(()) }
            }
            Self::Skip => Ok(()),
            Self::Blank(message) => match piece.iter().position(|byte| !is_space(*byte)) {
                Some(place) => Err((*message, place)),
                None => Ok(()),
            },
        }
    }

    fn take_reference(&mut self, character: &[u8]) -> Result<(), &'static str> {
        match self {
            Self::Blank(message) => Err(*message),
            Self::Keep { .. } | Self::KeepLoose { .. } | Self::Skip => {
                self.take(character).map_err(|(message, _)| message)
            }
        }
    }
}

/// Reads a reference, from `&` to `;`.
fn take_reference<C: Chunks>(input: &mut Input<C>, position: u64) -> Result<char, Malformed> {
    input.consume(1);
    let mut name = [0; MAX_REFERENCE];
    let mut length = 0;
    loop {
        let available = input.available()?;
        if available.is_empty() {
            return Err(Malformed::new("the report ends inside a reference: it is truncated", position));
        }
        let piece = &available[..available.len().min(MAX_REFERENCE - length)];
        let end = piece.iter().position(|byte| !is_in_reference(*byte));
        let piece = &piece[..end.unwrap_or(piece.len())];
        let is_end = available.get(piece.len()) == Some(&b';');
        name[length..length + piece.len()].copy_from_slice(piece);
        length += piece.len();
        let used = piece.len();
        input.consume(used + usize::from(is_end));
        if is_end {
            return resolve(&name[..length]).map_err(|message| Malformed::new(message, position));
        }
        if end.is_some() || length == MAX_REFERENCE {
            return Err(Malformed::new(NO_REFERENCE, position));
        }
    }
}

fn character(digits: &[u8], radix: u32) -> Result<char, &'static str> {
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        value.checked_mul(radix)?.checked_add(digit)
    });
    let value = value.filter(|_| !digits.is_empty());
    value.and_then(char::from_u32).ok_or("a character reference names no character")
}
