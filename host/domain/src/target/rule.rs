//! One rule of a target policy.

use std::{fmt, str::FromStr};

use globset::{GlobBuilder, GlobMatcher};

use super::{
    Extent, Target,
    host_name::{LONGEST, has_letter},
    parse::NotATarget,
    problems::Quoted,
    span::Span,
    this_host::loopback,
};

/// An address, a network, a range or a glob of host names. Two rules are equal if they are written alike.
#[derive(Clone)]
pub struct Rule {
    written: String,
    scope: Scope,
}

#[derive(Clone)]
enum Scope {
    Addresses(Vec<Span>),
    Names(GlobMatcher),
}

/// Text that is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARule {
    #[error("{rule} {reason}")]
    Target { rule: Quoted, reason: NotATarget },
    // Such a glob would never match a host name: a denied `10.0.0.*` must not silently deny nothing.
    #[error(
        "{rule} has digits but no letters: write addresses as a network or a range, since globs are for host names"
    )]
    NumericGlob { rule: Quoted },
    #[error("{rule} is not a glob of host names: {reason}")]
    Glob { rule: Quoted, reason: String },
}

impl Rule {
    /// The addresses that it covers; none if it is about names.
    pub(super) fn spans(&self) -> &[Span] {
        match &self.scope {
            Scope::Addresses(spans) => spans,
            Scope::Names(_) => &[],
        }
    }

    /// Whether the rule matches any part of the extent.
    pub(super) fn touches(&self, extent: &Extent<'_>) -> bool {
        match (&self.scope, extent) {
            (Scope::Addresses(spans), Extent::Addresses(span)) => spans.iter().any(|rule| rule.overlaps(*span)),
            (Scope::Names(glob), Extent::Name(name)) => glob.is_match(name.as_str()),
            (Scope::Addresses(_), Extent::Name(_)) | (Scope::Names(_), Extent::Addresses(_)) => false,
        }
    }

    /// Whether it covers all addresses of IPv4 or of IPv6, however it is written.
    pub fn covers_all_addresses(&self) -> bool {
        let covers = |everything: &str| {
            let everything: Rule = everything.parse().expect("the rules below are well formed");
            everything.spans() == self.spans()
        };
        ["0.0.0.0/0", "::/0"].into_iter().any(covers)
    }

    /// The glob of names as it is written; `None` if it is about addresses.
    pub(super) fn names(&self) -> Option<&str> {
        match &self.scope {
            Scope::Addresses(_) => None,
            Scope::Names(_) => Some(&self.written),
        }
    }

    /// Whether it matches each name that this glob matches, as far as the texts show it.
    pub(super) fn covers_glob(&self, glob: &str) -> bool {
        self.names().is_some_and(|own| own == "*" || own.eq_ignore_ascii_case(glob))
    }

    /// Whether the rule covers a loopback address.
    pub(super) fn touches_loopback(&self) -> bool {
        self.spans().iter().any(|rule| loopback().into_iter().any(|own| rule.overlaps(own)))
    }
}

impl FromStr for Rule {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        let written = text.trim();
        let scope = if written.contains(['*', '?', '[', '{']) {
            Scope::Names(glob(written)?)
        } else {
            let target: Target =
                written.parse().map_err(|reason| NotARule::Target { rule: Quoted::new(written), reason })?;
            match target.extent() {
                Extent::Addresses(span) => Scope::Addresses(span.of_one_family()),
                Extent::Name(name) => Scope::Names(glob(name.as_str())?),
            }
        };
        Ok(Self { written: written.to_owned(), scope })
    }
}

fn glob(text: &str) -> Result<GlobMatcher, NotARule> {
    let rule = Quoted::new(text);
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.*?[]{},!".contains(&byte);
    if text.len() > LONGEST || !text.bytes().all(is_of_names) {
        let reason =
            format!("at most {LONGEST} letters, digits, `-`, `_`, `.` and the wildcards `*`, `?`, `[]`, `{{}}`");
        return Err(NotARule::Glob { rule, reason });
    }
    if text.contains(|c: char| c.is_ascii_digit()) && !has_letter(text) {
        return Err(NotARule::NumericGlob { rule });
    }
    match GlobBuilder::new(text).case_insensitive(true).build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(NotARule::Glob { rule, reason: error.kind().to_string() }),
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Rule {}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.written)
    }
}
