//! The report as UTF-8 text, whatever its encoding, with the position of the text in the file.

use std::io::{self, BufRead, Read};

use super::{
    Chunks, Malformed,
    encoding::{DECLARATION_BYTES, Decoded, Encoding},
    text::is_space,
    words::{find, is_same},
};

/// The longest tag, comment or CDATA section, in bytes. A whole one is kept in memory.
const MAX_MARKUP: u64 = 16 * 1024 * 1024;

const TOO_LONG: &str = "a tag, comment or CDATA section has more than 16 MiB";

pub struct Input<C> {
    chunks: C,
    /// None until the first bytes are read.
    encoding: Option<Encoding>,
    text: String,
    /// The number of bytes of `text` that were consumed.
    consumed: usize,
    /// Where the rest of `text` begins in the file.
    position: u64,
    /// The first bytes of a character that continues in the next chunk.
    rest: Vec<u8>,
    /// Why no more text follows `text`.
    end: Option<End>,
    /// The piece that is being read must end before this position.
    limit: u64,
}

enum End {
    File,
    Fault(Malformed),
}

/// A tag as it stands in the report, from `<` to `>`.
pub struct RawTag<'a> {
    pub text: &'a str,
    /// Where the name ends: at the first white space, or at the end of the tag.
    pub name_end: usize,
    pub encoding: Option<&'a Encoding>,
}

impl<C: Chunks> Input<C> {
    pub fn new(chunks: C) -> Self {
        Self {
            chunks,
            encoding: None,
            text: String::new(),
            consumed: 0,
            position: 0,
            rest: Vec::new(),
            end: None,
            limit: u64::MAX,
        }
    }

    /// The number of bytes of the file that were consumed.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the text begins: after the byte order mark.
    pub fn origin(&self) -> u64 {
        self.encoding.as_ref().map_or(0, |encoding| encoding.mark as u64)
    }

    /// Whether the whole file was consumed and is known to have ended.
    pub fn is_at_end(&self) -> bool {
        self.consumed == self.text.len() && matches!(self.end, Some(End::File))
    }

    /// None before the first bytes are read.
    pub fn encoding(&self) -> Option<&Encoding> {
        self.encoding.as_ref()
    }

    /// The text that is read and not consumed; it is empty only at the end.
    #[inline]
    pub fn available(&mut self) -> Result<&[u8], Malformed> {
        if self.position > self.limit || self.consumed == self.text.len() {
            self.fill()?;
        }
        Ok(&self.text.as_bytes()[self.consumed..])
    }

    /// The byte after the next one. Nothing is consumed.
    pub fn second(&mut self) -> Option<u8> {
        while self.text.len() < self.consumed + 2 && self.end.is_none() {
            self.extend();
        }
        self.text.as_bytes().get(self.consumed + 1).copied()
    }

    /// Consumes the tag that begins here, up to the first `>` outside of quotes.
    pub fn take_tag(&mut self) -> Result<RawTag<'_>, Malformed> {
        let text = &self.text.as_bytes()[self.consumed..];
        // Most tags are a name and nothing else. No byte of a name is below this one.
        let stop = find(text, b'(', b'>');
        let length = if text.get(stop) == Some(&b'>') { stop + 1 } else { self.find_end_of_tag(stop)? };
        self.consume(length);
        let text = &self.text[self.consumed - length..self.consumed];
        let name_end = stop + text[stop..length - 1].bytes().position(is_space).unwrap_or(length - 1 - stop);
        Ok(RawTag { text, name_end, encoding: self.encoding() })
    }

    /// The tag has no quotes and no end before `searched`.
    fn find_end_of_tag(&mut self, mut searched: usize) -> Result<usize, Malformed> {
        loop {
            let text = &self.text.as_bytes()[self.consumed..];
            if let Some(length) = end_of_tag(text, &mut searched) {
                return Ok(length);
            }
            match &self.end {
                Some(End::Fault(fault)) => return Err(fault.clone()),
                Some(End::File) => {
                    return Err(Malformed::new("the report ends inside a tag: it is truncated", self.position));
                }
                None if text.len() as u64 > MAX_MARKUP => return Err(Malformed::new(TOO_LONG, self.position)),
                None => self.extend(),
            }
        }
    }

    /// Consumes the end tag of this element, if one that contains only the name begins here.
    pub fn take_end_tag(&mut self, name: &str) -> bool {
        let end = "</".len() + name.len();
        let text = &self.text.as_bytes()[self.consumed..];
        let is_end_tag = text.get(end) == Some(&b'>') && is_same(&text["</".len()..end], name.as_bytes());
        if is_end_tag {
            self.consume(end + 1);
        }
        is_end_tag
    }

    /// Limits the length of the piece of markup that follows.
    pub fn begin_markup(&mut self) {
        self.limit = self.position + MAX_MARKUP;
    }

    pub fn end_markup(&mut self) {
        self.limit = u64::MAX;
    }

    /// Appends the next chunk to the text that is not consumed yet, or finds the end.
    fn extend(&mut self) {
        if let Err(fault) = self.read_chunk() {
            self.end = Some(End::Fault(fault));
        }
    }

    fn read_chunk(&mut self) -> Result<(), Malformed> {
        let mut bytes = std::mem::take(&mut self.rest);
        let chunk = self.next_chunk()?;
        let is_last = chunk.is_empty();
        if bytes.is_empty() {
            bytes = chunk;
        } else {
            bytes.extend_from_slice(&chunk);
        }
        let encoding = match &mut self.encoding {
            Some(encoding) => encoding,
            None => {
                while bytes.len() < DECLARATION_BYTES {
                    let more = self.chunks.next_chunk().map_err(|reason| Malformed::new(reason, bytes.len() as u64))?;
                    if more.is_empty() {
                        break;
                    }
                    bytes.extend_from_slice(&more);
                }
                // Never more bytes, so that the result does not depend on where chunks end.
                let start = &bytes[..bytes.len().min(DECLARATION_BYTES)];
                let encoding = Encoding::detect(start).map_err(|message| Malformed::new(message, 0))?;
                bytes.drain(..encoding.mark);
                self.position = encoding.mark as u64;
                self.encoding.insert(encoding)
            }
        };
        if is_last {
            let is_complete = bytes.is_empty() && encoding.is_complete();
            self.end = Some(if is_complete {
                End::File
            } else {
                let offset = self.position + encoding.measure(&self.text.as_bytes()[self.consumed..]);
                End::Fault(Malformed::new("the report ends inside a character: it is truncated", offset))
            });
            return Ok(());
        }
        let Decoded { text, rest, bad } = encoding.decode(bytes);
        self.rest = rest;
        self.text.drain(..self.consumed);
        self.consumed = 0;
        if self.text.is_empty() {
            self.text = text;
        } else {
            self.text.push_str(&text);
        }
        if bad {
            let offset = self.position + encoding.measure(self.text.as_bytes());
            self.end = Some(End::Fault(Malformed::new("bytes are not valid in the report's encoding", offset)));
        }
        Ok(())
    }

    /// Reads until there is text or the end is reached.
    #[cold]
    fn fill(&mut self) -> Result<(), Malformed> {
        if self.position > self.limit {
            return Err(Malformed::new(TOO_LONG, self.position));
        }
        while self.consumed == self.text.len() && self.end.is_none() {
            self.extend();
        }
        match &self.end {
            Some(End::Fault(fault)) if self.consumed == self.text.len() => Err(fault.clone()),
            Some(End::Fault(_) | End::File) | None => Ok(()),
        }
    }

    fn next_chunk(&mut self) -> Result<Vec<u8>, Malformed> {
        self.chunks.next_chunk().map_err(|reason| Malformed::new(reason, self.position))
    }
}

impl<C: Chunks> BufRead for Input<C> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.available()?)
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        let text = &self.text.as_bytes()[self.consumed..self.consumed + amount];
        self.position += self.encoding.as_ref().map_or(0, |encoding| encoding.measure(text));
        self.consumed += amount;
    }
}

impl<C: Chunks> Read for Input<C> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(into.len());
        into[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

/// The length of the tag at the start of `text`, if it ends there. There is no end before `searched`.
fn end_of_tag(text: &[u8], searched: &mut usize) -> Option<usize> {
    while let Some(place) = memchr::memchr3(b'>', b'"', b'\'', text.get(*searched..)?) {
        let place = *searched + place;
        if text[place] == b'>' {
            return Some(place + 1);
        }
        // The next search begins with this quote, unless its end is here.
        *searched = place;
        *searched += memchr::memchr(text[place], &text[place + 1..])? + 2;
    }
    *searched = text.len();
    None
}
