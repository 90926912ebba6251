//! Names and ids as types. Each is checked once, on its way in.

use std::{fmt, str::FromStr};

/// Text that does not have the form of the id or name that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {what}: must be {rule}")]
pub struct Malformed {
    pub what: &'static str,
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;

            fn try_from(text: String) -> Result<Self, Malformed> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(&text) { Ok(Self(text)) } else { Err(Malformed { what: $what, rule: $rule }) }
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

text_id! {
    /// A scan's id: a ULID (26 characters of Crockford's base 32), so it sorts by time, carries 80 random bits and
    /// is safe in a path.
    TaskId, "task id", "the 26 characters that run_…_scan returned", |text| {
        text.len() == 26
            && text.as_bytes()[0] <= b'7'
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'H' | b'J' | b'K' | b'M' | b'N' | b'P'..=b'T' | b'V'..=b'Z'))
    }
}
text_id! {
    /// What the log lines of a scan have in common: a trace id of W3C's Trace Context, 32 lower case hexadecimal
    /// digits, or another text that the client chose.
    TraceId, "trace id", "1 to 128 letters, digits, `-`, `_`, `.` or `:`", |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    }
}
text_id! {
    /// A pool of scanners.
    PoolName, "pool name", "1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit", is_name
}
text_id! {
    /// A scanner within its pool.
    InstanceId, "instance id", "1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit", is_name
}
text_id! {
    /// A kind of scanner: the plugin that drives it.
    BackendName, "backend name", "1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit", is_name
}
text_id! {
    /// A result profile.
    ProfileName, "profile name", "1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit", is_name
}
text_id! {
    /// A credential that the operator configured.
    CredentialName, "credential name", "1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit", is_name
}
text_id! {
    /// A client's own name for a request, by which it can repeat the request safely.
    IdempotencyKey, "idempotency key", "1 to 255 visible ASCII characters", |text| {
        (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    }
}

/// A scanner's full name: its pool and its instance id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScannerId {
    pub pool: PoolName,
    pub instance: InstanceId,
}

impl fmt::Display for ScannerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pool, self.instance)
    }
}
