//! The attributes of a tag: `name="value"`, each after white space, with a quoted value without `<`.
//! A repeated attribute is not an error: real reports have them, and the first one counts.

use super::{
    text::{self, is_space},
    words,
};

pub const NOT_A_NAME: &str = "an element has an invalid name";

/// An iterator over the attributes of one tag, in order. It ends after the first fault.
pub struct Attributes<'a> {
    raw: &'a str,
    at: usize,
}

#[derive(Clone, Copy)]
pub struct Attribute<'a> {
    pub name: &'a str,
    /// The value as it stands in the report, references included.
    pub value: &'a str,
    /// Where the value begins in the text that was given to [`Attributes::new`].
    pub at: usize,
}

/// What is wrong, and where in the text that was checked.
#[derive(Debug)]
pub struct Fault {
    pub message: &'static str,
    pub at: usize,
}

impl<'a> Attributes<'a> {
    /// `raw` is everything between the tag's name and its end.
    pub fn new(raw: &'a str) -> Self {
        Self { raw, at: 0 }
    }

    fn parse(&mut self) -> Result<Option<Attribute<'a>>, Fault> {
        let begin = self.at;
        self.skip_space();
        if self.at == self.raw.len() {
            return Ok(None);
        }
        if self.at == begin {
            return Err(self.fault("there is no white space before an attribute"));
        }
        let start = self.at;
        let name = self.take_until(|byte| !may_be_in_name(byte));
        let follower = self.raw.as_bytes().get(self.at);
        if !may_begin_name(name) || follower.is_some_and(|byte| !is_space(*byte) && *byte != b'=') {
            return Err(Fault { message: "an attribute has an invalid name", at: start });
        }
        self.skip_space();
        self.expect(b'=', "an attribute has no value")?;
        self.skip_space();
        let quote = match self.raw.as_bytes().get(self.at) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return Err(self.fault("an attribute's value has no quotes")),
        };
        self.at += 1;
        let at = self.at;
        let Some(end) = memchr::memchr2(quote, b'<', &self.raw.as_bytes()[at..]) else {
            return Err(Fault { message: "an attribute's value does not end", at: self.raw.len() });
        };
        self.at += end + 1;
        if self.raw.as_bytes()[at + end] == b'<' {
            return Err(Fault { message: "an attribute's value contains `<`", at: at + end });
        }
        Ok(Some(Attribute { name, value: &self.raw[at..at + end], at }))
    }

    fn skip_space(&mut self) {
        self.take_until(|byte| !is_space(byte));
    }

    fn take_until(&mut self, is_end: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.raw[self.at..];
        // The bytes that end something are ASCII or the first byte of a character.
        let length = rest.bytes().position(is_end).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn expect(&mut self, byte: u8, message: &'static str) -> Result<(), Fault> {
        if self.raw.as_bytes().get(self.at) != Some(&byte) {
            return Err(self.fault(message));
        }
        self.at += 1;
        Ok(())
    }

    fn fault(&self, message: &'static str) -> Fault {
        Fault { message, at: self.at }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.parse();
        if result.is_err() {
            self.at = self.raw.len();
        }
        result.transpose()
    }
}

impl Attribute<'_> {
    /// Appends the value as XML defines it: with references resolved, and line breaks and tabs as spaces.
    pub fn append_to(&self, into: &mut Vec<u8>) -> Result<(), Fault> {
        self.read(|piece| into.extend_from_slice(piece))
    }

    /// Checks a value that is not needed for faults.
    pub fn check(&self) -> Result<(), Fault> {
        self.read(|_| {})
    }

    fn read(&self, mut take: impl FnMut(&[u8])) -> Result<(), Fault> {
        let mut rest = self.value.as_bytes();
        while let Some(place) = find_special(rest) {
            take(&rest[..place]);
            let special = rest[place];
            rest = &rest[place + 1..];
            if special == b'&' {
                let at = self.at + self.value.len() - rest.len() - 1;
                let end = rest.iter().position(|byte| !text::is_in_reference(*byte));
                let Some(end) = end.filter(|end| rest[*end] == b';') else {
                    return Err(Fault { message: text::NO_REFERENCE, at });
                };
                let character = text::resolve(&rest[..end]).map_err(|message| Fault { message, at })?;
                take(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[end + 1..];
            } else {
                take(b" ");
                // A carriage return and a line feed are one line break.
                if special == b'\r' {
                    rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                }
            }
        }
        take(rest);
        Ok(())
    }
}

/// Finds the first byte that does not stand for itself in a value.
fn find_special(value: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let place = from + words::find(&value[from..], b'\r' + 1, b'&');
        match value.get(place)? {
            b'&' | b'\t' | b'\n' | b'\r' => return Some(place),
            // Another control character.
            _ => from = place + 1,
        }
    }
}

/// Whether XML allows this as a name. All characters beyond ASCII are accepted, although XML excludes some.
pub fn is_name(name: &str) -> bool {
    may_begin_name(name) && name.bytes().all(may_be_in_name)
}

fn may_begin_name(name: &str) -> bool {
    name.bytes()
        .next()
        .is_some_and(|byte| may_be_in_name(byte) && !byte.is_ascii_digit() && !matches!(byte, b'-' | b'.'))
}

fn may_be_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.') || !byte.is_ascii()
}
