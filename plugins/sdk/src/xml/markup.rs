//! The pieces of a document one after the other: tags, and the text between them.

use std::borrow::Cow;

use quick_xml::{
    errors::{Error, IllFormedError},
    events::{BytesStart, Event},
    reader::Reader,
};

use super::{
    Chunks, Malformed,
    attributes::{Attributes, Fault},
    input::Input,
    text::{self, Text},
};

/// A report that is being read.
pub struct Markup<C: Chunks> {
    xml: Reader<Input<C>>,
    /// Whether an element has begun.
    has_root: bool,
}

/// A piece of markup that means something.
pub enum Piece<'b> {
    Open(BytesStart<'b>),
    /// An element that is closed as soon as it is opened.
    Empty(BytesStart<'b>),
    /// Always of an element that was opened.
    Close,
    /// The text of a CDATA section.
    Literal(Cow<'b, str>),
    /// A comment and the like: more text may follow.
    Aside,
    End,
}

impl<C: Chunks> Markup<C> {
    pub fn new(chunks: C) -> Self {
        let mut xml = Reader::from_reader(Input::new(chunks));
        xml.config_mut().check_comments = true;
        Self { xml, has_root: false }
    }

    /// How many bytes of the file were read.
    pub fn offset(&self) -> u64 {
        self.xml.get_ref().position()
    }

    /// Whether the whole report is read, and had nothing in it.
    pub fn is_empty(&self) -> bool {
        self.offset() == self.xml.get_ref().origin()
    }

    /// Reads up to the next tag or to the end of the report.
    pub fn take_text(&mut self, text: Text<'_>) -> Result<(), Malformed> {
        text::take(self.xml.stream(), text)
    }

    /// The next piece, once the text before it was taken, and where it stands.
    pub fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<(Piece<'b>, u64), Malformed> {
        let offset = self.offset();
        buffer.clear();
        self.xml.get_mut().begin_markup();
        let event = self.xml.read_event_into(buffer);
        self.xml.get_mut().end_markup();
        let piece = match event.map_err(|error| self.explain(&error, offset))? {
            Event::Start(tag) => {
                self.has_root = true;
                Piece::Open(tag)
            }
            Event::Empty(tag) => {
                self.has_root = true;
                Piece::Empty(tag)
            }
            Event::End(_) => Piece::Close,
            Event::CData(section) => Piece::Literal(section.into_inner()),
            Event::Decl(declaration) => {
                if offset != self.xml.get_ref().origin() {
                    return Err(Malformed::new("an XML declaration that is not at the start", offset));
                }
                let attributes = declaration.strip_prefix("xml").unwrap_or_default();
                check(Attributes::new(attributes))
                    .map_err(|fault| self.place(&fault, offset, ["<?", "xml", attributes]))?;
                Piece::Aside
            }
            Event::DocType(_) if self.has_root => {
                return Err(Malformed::new("a document type declaration that is not before the root", offset));
            }
            // What a document type declares is never used: its entities are unknown when they are referred to.
            Event::DocType(_) | Event::Comment(_) | Event::PI(_) => Piece::Aside,
            // There are none: `take_text` leaves nothing before the next tag.
            Event::Text(_) | Event::GeneralRef(_) => Piece::Aside,
            Event::Eof => Piece::End,
        };
        Ok((piece, offset))
    }

    /// Where a fault in the attributes of a tag is, whose name and attributes these are, and which stands at `offset`.
    pub fn place_in_tag(&self, fault: &Fault, offset: u64, name: &str, raw: &str) -> Malformed {
        self.place(fault, offset, ["<", name, raw])
    }

    /// Where a fault in the last piece of markup is, of which the other pieces come before it, from `offset` on.
    fn place(&self, fault: &Fault, offset: u64, [opening, name, raw]: [&str; 3]) -> Malformed {
        let before = [opening, name, &raw[..fault.at]].map(|text| self.xml.get_ref().measure(text));
        Malformed::new(fault.message, offset + before.iter().sum::<u64>())
    }

    /// An error of the XML reader in our words; it stands in the piece of markup at `offset`.
    fn explain(&self, error: &Error, offset: u64) -> Malformed {
        let message = match error {
            Error::Io(error) => return Malformed::from(&**error),
            Error::Syntax(_) if self.xml.get_ref().is_at_end() => "the report ends inside a tag: it is truncated",
            Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => "an end tag that does not match its start tag",
            Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "an end tag without a start tag",
            Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "`--` in a comment",
            Error::IllFormed(IllFormedError::MissingDoctypeName) => "a document type declaration without a name",
            _ => "markup that is not XML",
        };
        Malformed::new(message, offset)
    }
}

/// Reads attributes that mean nothing to the reader, for their faults.
pub fn check(attributes: Attributes<'_>) -> Result<(), Fault> {
    for attribute in attributes {
        attribute?.check()?;
    }
    Ok(())
}
