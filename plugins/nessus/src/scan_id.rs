//! A scan's id at the scanner: a whole number, which is decimal text outside of this backend.
//! Uuids, which Nessus uses for templates and runs, are not scan ids.

use std::fmt;

use scanhost_sdk::backend::types::ScanError;

#[cfg(test)]
mod tests;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(transparent)]
pub struct ScanId(u64);

impl ScanId {
    pub fn parse(text: &str) -> Result<Self, ScanError> {
        // Parsing a `u64` would also accept a sign.
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_decimal);
        number.map(Self).ok_or_else(|| ScanError::Invalid("the remote scan id is not a whole number".to_owned()))
    }

    /// The scan's path below `/scans`, such as `/scans/5/launch`.
    pub fn path(self, rest: &str) -> String {
        format!("/scans/{self}{rest}")
    }
}

impl fmt::Display for ScanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
