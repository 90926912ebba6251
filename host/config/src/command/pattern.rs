//! Patterns for the arguments of a program.

use std::str::FromStr;

#[cfg(test)]
mod tests;

/// A whole argument, in which each `*` stands for any number of letters, digits and `. , : _ + -`, and so never for a
/// path, a blank or a character with a special meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPattern {
    #[error("must have 1 to 1024 bytes")]
    Length,
    #[error("must not contain control characters")]
    Control,
    #[error("must not begin with `*`, which would permit every option: write out how the argument begins")]
    Open,
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        if !(1..=1024).contains(&text.len()) {
            Err(NotAPattern::Length)
        } else if text.chars().any(char::is_control) {
            Err(NotAPattern::Control)
        } else if text.starts_with('*') {
            Err(NotAPattern::Open)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl Pattern {
    pub fn fits(&self, argument: &str) -> bool {
        let (pattern, argument) = (self.0.as_bytes(), argument.as_bytes());
        let (mut p, mut a) = (0, 0);
        // The position of the last `*`, and how far it reaches: only it can still become longer.
        let mut star = None;
        while a < argument.len() {
            if pattern.get(p) == Some(&b'*') {
                star = Some((p, a));
                p += 1;
            } else if pattern.get(p) == Some(&argument[a]) {
                p += 1;
                a += 1;
            } else {
                match star {
                    Some((at, reached)) if is_plain(argument[reached]) => {
                        star = Some((at, reached + 1));
                        p = at + 1;
                        a = reached + 1;
                    }
                    _ => return false,
                }
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b',' | b':' | b'_' | b'+' | b'-')
}
