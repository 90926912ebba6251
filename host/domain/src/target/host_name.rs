//! Host names, judged by their syntax alone.

use std::fmt;

/// The longest name that DNS carries.
pub(super) const LONGEST: usize = 253;

/// A name in the syntax of RFC 1123, where underscores are allowed too. Equal ignoring case.
#[derive(Clone, Debug)]
pub struct HostName(String);

impl HostName {
    /// `None` if the text is no host name, or if a resolver might read it as a number: it takes `0x7f.1` and
    /// `2130706433` for addresses, which would then have passed a policy as names.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_name = text.len() <= LONGEST && text.split('.').all(is_label);
        let last = text.rsplit('.').next().unwrap_or(text);
        (is_name && has_letter(text) && !is_number(last)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HostName {}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn has_letter(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_alphabetic())
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Decimal, octal or hexadecimal, as `inet_aton` takes them.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
