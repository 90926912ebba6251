//! Reads reports in XML, piece by piece, in memory that does not grow with the report.
//!
//! The reader does not know where the bytes come from (see [`Chunks`]) or what an element means. It checks that tags
//! match; a backend checks which elements may stand where, and that all elements are closed at the end.

mod attributes;
mod encoding;
mod input;
mod markup;
mod text;
mod words;

use std::{borrow::Cow, fmt, io};

pub use self::{
    attributes::{Attribute, Attributes, Fault, NOT_A_NAME, is_name},
    markup::{Markup, Piece, Tag, check},
    text::{Text, append_literal, is_space, trim},
    words::is_same,
};

/// The source of the report's bytes.
pub trait Chunks {
    /// Returns the next bytes, in chunks of any size; none at the end. An error is one line for an operator.
    fn next_chunk(&mut self) -> Result<Vec<u8>, String>;
}

/// Why a report cannot be read. The message is one line and does not quote the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub message: Cow<'static, str>,
    /// Where the error is, in bytes from the start of the file.
    pub offset: u64,
}

impl Malformed {
    pub fn new(message: impl Into<Cow<'static, str>>, offset: u64) -> Self {
        Self { message: message.into(), offset }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// Carries an error of `input::Input` through the XML reader, which knows only I/O errors.
impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        io::Error::other(malformed)
    }
}

impl From<&io::Error> for Malformed {
    fn from(error: &io::Error) -> Self {
        let malformed = error.get_ref().and_then(|inner| inner.downcast_ref::<Malformed>());
        malformed.cloned().unwrap_or_else(|| Malformed::new("the report cannot be read", 0))
    }
}
