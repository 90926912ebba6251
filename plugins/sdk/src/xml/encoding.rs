//! Detects a report's encoding from its first bytes and converts the report to UTF-8.
//!
//! A byte order mark wins over any declaration; then come zero bytes around the first `<` (UTF-16), then the XML
//! declaration; otherwise the encoding is UTF-8.

use encoding_rs::{Decoder, DecoderResult, Encoding as Encoded};

use super::attributes::Attributes;

/// The XML declaration is searched for in this many bytes.
pub const DECLARATION_BYTES: usize = 1024;

pub struct Encoding {
    scheme: Scheme,
    /// The length of the byte order mark in bytes.
    pub mark: usize,
}

enum Scheme {
    Utf8,
    Ascii,
    /// The first 256 characters of Unicode. Other programs use this name for windows-1252, which differs.
    Latin1,
    /// An encoding with one byte for each character.
    Table(Decoder),
    /// An encoding with one to four bytes for each character.
    Multibyte(Decoder),
    Utf16(Decoder),
}

/// A decoded piece of the report.
pub struct Decoded {
    pub text: String,
    /// The first bytes of a character that continues in the next piece.
    pub rest: Vec<u8>,
    /// Whether the bytes after `text` are not valid in the encoding.
    pub bad: bool,
}

impl Encoding {
    /// Detects the encoding from the first [`DECLARATION_BYTES`] bytes of the file, or all if it has fewer.
    pub fn detect(start: &[u8]) -> Result<Self, &'static str> {
        let utf16 = |encoding: &'static Encoded, mark| {
            Ok(Self { scheme: Scheme::Utf16(encoding.new_decoder_without_bom_handling()), mark })
        };
        match start {
            [0xff, 0xfe, ..] => utf16(encoding_rs::UTF_16LE, 2),
            [0xfe, 0xff, ..] => utf16(encoding_rs::UTF_16BE, 2),
            [b'<', 0, ..] => utf16(encoding_rs::UTF_16LE, 0),
            [0, b'<', ..] => utf16(encoding_rs::UTF_16BE, 0),
            [0xef, 0xbb, 0xbf, ..] => Ok(Self { scheme: Scheme::Utf8, mark: 3 }),
            _ => Ok(Self { scheme: declared(start)?, mark: 0 }),
        }
    }

    /// The number of bytes that this text takes in the file.
    #[inline]
    pub fn measure(&self, text: &[u8]) -> u64 {
        match &self.scheme {
            Scheme::Utf8 => text.len() as u64,
            _ => self.measure_encoded(text),
        }
    }

    #[cold]
    fn measure_encoded(&self, text: &[u8]) -> u64 {
        let characters = || text.iter().filter(|byte| !is_continuation(**byte)).count() as u64;
        match &self.scheme {
            Scheme::Utf8 => text.len() as u64,
            Scheme::Ascii | Scheme::Latin1 | Scheme::Table(_) => characters(),
            Scheme::Multibyte(decoder) => match std::str::from_utf8(text) {
                Ok(text) => decoder.encoding().encode(text).0.len() as u64,
                Err(_) => text.len() as u64,
            },
            // A character beyond the first 65,536 takes four bytes in both encodings.
            Scheme::Utf16(_) => 2 * (characters() + text.iter().filter(|byte| **byte >= 0xf0).count() as u64),
        }
    }

    pub fn decode(&mut self, mut bytes: Vec<u8>) -> Decoded {
        match &mut self.scheme {
            Scheme::Utf8 => match String::from_utf8(bytes) {
                Ok(text) => Decoded::good(text),
                Err(error) => {
                    let fault = error.utf8_error();
                    let mut bytes = error.into_bytes();
                    let rest = bytes.split_off(fault.valid_up_to());
                    let text = valid(bytes);
                    match fault.error_len() {
                        None => Decoded { text, rest, bad: false },
                        Some(_) => Decoded { text, rest: Vec::new(), bad: true },
                    }
                }
            },
            Scheme::Ascii => {
                let end = bytes.iter().position(|byte| !byte.is_ascii());
                bytes.truncate(end.unwrap_or(bytes.len()));
                Decoded { text: valid(bytes), rest: Vec::new(), bad: end.is_some() }
            }
            Scheme::Latin1 => Decoded::good(encoding_rs::mem::decode_latin1(&bytes).into_owned()),
            Scheme::Table(decoder) | Scheme::Multibyte(decoder) | Scheme::Utf16(decoder) => {
                decode(decoder, &bytes, false)
            }
        }
    }

    /// Whether the file ended with a complete character.
    pub fn is_complete(&mut self) -> bool {
        match &mut self.scheme {
            Scheme::Utf8 | Scheme::Ascii | Scheme::Latin1 => true,
            Scheme::Table(decoder) | Scheme::Multibyte(decoder) | Scheme::Utf16(decoder) => {
                !decode(decoder, &[], true).bad
            }
        }
    }
}

impl Decoded {
    fn good(text: String) -> Self {
        Self { text, rest: Vec::new(), bad: false }
    }
}

/// The decoder itself keeps the bytes of a character that continues in the next piece.
fn decode(decoder: &mut Decoder, bytes: &[u8], last: bool) -> Decoded {
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(bytes.len() * 3 + 8);
    let mut text = String::with_capacity(room);
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, last);
    Decoded { text, rest: Vec::new(), bad: result != DecoderResult::InputEmpty }
}

fn valid(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("these bytes were checked")
}

fn declared(start: &[u8]) -> Result<Scheme, &'static str> {
    let Some(label) = label(start) else { return Ok(Scheme::Utf8) };
    // The web reads these two as windows-1252, but XML does not.
    match label.to_ascii_lowercase().as_str() {
        "us-ascii" | "ascii" => return Ok(Scheme::Ascii),
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" => return Ok(Scheme::Latin1),
        _ => {}
    }
    let encoding = Encoded::for_label_no_replacement(label.as_bytes());
    let encoding = encoding.ok_or("the report declares an encoding that is not supported")?;
    let decoder = || encoding.new_decoder_without_bom_handling();
    if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
        return Err("the report declares UTF-16 but is not written in it");
    }
    Ok(if encoding == encoding_rs::UTF_8 {
        Scheme::Utf8
    } else if encoding.is_single_byte() {
        Scheme::Table(decoder())
    } else {
        Scheme::Multibyte(decoder())
    })
}

/// The encoding that the XML declaration names, if there is one. Other faults of the declaration are found later.
fn label(start: &[u8]) -> Option<&str> {
    let declaration = start.strip_prefix(b"<?xml")?;
    let end = memchr::memchr(b'?', declaration)?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    Attributes::new(declaration).flatten().find(|attribute| attribute.name == "encoding").map(|found| found.value)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
