//! Reads the pieces of a document one after the other: tags, and the text between them.
//!
//! Nearly all of a report is tags. They are read here, in place, because copying is the main cost. Rare pieces, such as
//! comments, are left to the XML reader.

use std::borrow::Cow;

use quick_xml::{
    errors::{Error, IllFormedError},
    events::Event,
    reader::Reader,
};

use super::{
    Chunks, Malformed,
    attributes::{Attributes, Fault},
    encoding::Encoding,
    input::{Input, RawTag},
    text::{self, Text, is_space},
};

/// A report that is being read.
pub struct Markup<C: Chunks> {
    xml: Reader<Input<C>>,
    /// Whether an element has begun.
    has_root: bool,
    open: OpenElements,
    /// The last piece that the XML reader has read.
    buffer: Vec<u8>,
}

/// A piece of markup.
pub enum Piece<'b> {
    Open(Tag<'b>),
    /// The tag of an empty element, such as `<a/>`.
    Empty(Tag<'b>),
    /// The end tag of the innermost open element.
    Close,
    /// The text of a CDATA section.
    Literal(Cow<'b, str>),
    /// A comment, declaration or processing instruction. More text may follow.
    Ignored,
    End,
}

/// A tag that opens an element.
pub struct Tag<'b> {
    /// The text where a name should be; it is not checked.
    pub name: &'b str,
    /// Everything between the name and the end.
    raw: &'b str,
    /// Where the tag begins in the file.
    offset: u64,
    encoding: Option<&'b Encoding>,
}

impl<'b> Tag<'b> {
    pub fn attributes(&self) -> Attributes<'b> {
        Attributes::new(self.raw)
    }

    /// An error about the whole tag.
    pub fn malformed(&self, message: &'static str) -> Malformed {
        Malformed::new(message, self.offset)
    }

    /// An error in the tag's attributes.
    pub fn malformed_at(&self, fault: &Fault) -> Malformed {
        let before = ["<", self.name, &self.raw[..fault.at]];
        let measure = |text: &str| self.encoding.map_or(0, |encoding| encoding.measure(text.as_bytes()));
        Malformed::new(fault.message, self.offset + before.map(measure).iter().sum::<u64>())
    }
}

impl<C: Chunks> Markup<C> {
    pub fn new(chunks: C) -> Self {
        let mut xml = Reader::from_reader(Input::new(chunks));
        xml.config_mut().check_comments = true;
        Self { xml, has_root: false, open: OpenElements::default(), buffer: Vec::new() }
    }

    /// The number of bytes of the file that were read.
    pub fn offset(&self) -> u64 {
        self.xml.get_ref().position()
    }

    /// Whether the whole report was read and contains nothing.
    pub fn is_empty(&self) -> bool {
        self.offset() == self.xml.get_ref().origin()
    }

    /// Reads up to the next tag or to the end of the report.
    pub fn take_text(&mut self, text: Text<'_>) -> Result<(), Malformed> {
        text::take(self.xml.get_mut(), text)
    }

    /// Returns the next piece and its offset. The text before it must have been taken.
    pub fn next_piece(&mut self) -> Result<(Piece<'_>, u64), Malformed> {
        let offset = self.offset();
        let input = self.xml.get_mut();
        let piece = match input.second() {
            // A `<` at the end begins a tag that does not end.
            None if input.is_at_end() => Piece::End,
            Some(b'!' | b'?') => self.read_rare(offset)?,
            // Nearly every end tag is read here.
            Some(b'/') if self.open.innermost().is_some_and(|name| input.take_end_tag(name)) => {
                self.open.pop();
                Piece::Close
            }
            Some(_) | None => self.read_tag(offset)?,
        };
        Ok((piece, offset))
    }

    fn read_tag(&mut self, offset: u64) -> Result<Piece<'_>, Malformed> {
        let RawTag { text, name_end, encoding } = self.xml.get_mut().take_tag()?;
        let inner = &text[1..text.len() - 1];
        if let Some(closed) = inner.strip_prefix('/') {
            // White space may follow the name.
            let name = closed.trim_end_matches(|letter| u8::try_from(letter).is_ok_and(is_space));
            self.open.close(name).map_err(|message| Malformed::new(message, offset))?;
            return Ok(Piece::Close);
        }
        let (inner, is_empty) = match inner.strip_suffix('/') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        self.has_root = true;
        // Where the name is all there is, its end is that of the tag, with the slash.
        let (name, raw) = inner.split_at(inner.len().min(name_end - 1));
        if !is_empty {
            self.open.open(name);
        }
        let tag = Tag { name, raw, offset, encoding };
        Ok(if is_empty { Piece::Empty(tag) } else { Piece::Open(tag) })
    }

    fn read_rare(&mut self, offset: u64) -> Result<Piece<'_>, Malformed> {
        self.buffer.clear();
        self.xml.get_mut().begin_markup();
        let event = self.xml.read_event_into(&mut self.buffer);
        self.xml.get_mut().end_markup();
        let input = self.xml.get_ref();
        match event.map_err(|error| explain(input, &error, offset))? {
            Event::CData(section) => Ok(Piece::Literal(section.into_inner())),
            Event::Decl(declaration) => {
                if offset != input.origin() {
                    return Err(Malformed::new("the XML declaration is not at the start", offset));
                }
                let raw = declaration.strip_prefix("xml").unwrap_or_default();
                let tag = Tag { name: "?xml", raw, offset, encoding: input.encoding() };
                check(tag.attributes()).map_err(|fault| tag.malformed_at(&fault))?;
                Ok(Piece::Ignored)
            }
            Event::DocType(_) if self.has_root => {
                Err(Malformed::new("the document type declaration is not before the root element", offset))
            }
            // Declarations of a document type are never used: references to its entities are unknown.
            // All other events are read elsewhere.
            _ => Ok(Piece::Ignored),
        }
    }
}

/// Words an error of the XML reader as one of ours; it is in the piece of markup at `offset`.
fn explain<C: Chunks>(input: &Input<C>, error: &Error, offset: u64) -> Malformed {
    let message = match error {
        Error::Io(error) => return Malformed::from(&**error),
        Error::Syntax(_) if input.is_at_end() => "the report ends inside a tag: it is truncated",
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "a comment contains `--`",
        Error::IllFormed(IllFormedError::MissingDoctypeName) => "the document type declaration has no name",
        _ => "the markup is not XML",
    };
    Malformed::new(message, offset)
}

/// The names of all open elements, concatenated, and where each begins.
#[derive(Default)]
struct OpenElements {
    names: String,
    starts: Vec<usize>,
}

impl OpenElements {
    fn open(&mut self, name: &str) {
        self.starts.push(self.names.len());
        self.names.push_str(name);
    }

    fn innermost(&self) -> Option<&str> {
        self.starts.last().map(|start| &self.names[*start..])
    }

    fn close(&mut self, name: &str) -> Result<(), &'static str> {
        match self.innermost() {
            None => Err("an end tag has no start tag"),
            Some(open) if open != name => Err("an end tag does not match its start tag"),
            Some(_) => {
                self.pop();
                Ok(())
            }
        }
    }

    fn pop(&mut self) {
        self.names.truncate(self.starts.pop().unwrap_or_default());
    }
}

/// Checks attributes whose values are not needed for faults.
pub fn check(attributes: Attributes<'_>) -> Result<(), Fault> {
    for attribute in attributes {
        attribute?.check()?;
    }
    Ok(())
}
