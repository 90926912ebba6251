//! What a scan is pointed at: addresses, networks, ranges and host names, and the policy that permits them.
//! Host names are never resolved here: a policy judges them by their text.

mod host_name;
mod parse;
mod plain;
mod policy;
pub(crate) mod problems;
mod rule;
mod span;
#[cfg(test)]
mod tests;
mod this_host;

use std::{collections::HashSet, fmt, net::IpAddr};

use ipnet::IpNet;

use self::span::Span;
pub use self::{
    host_name::HostName,
    parse::{NotATarget, TargetError, TargetProblem},
    policy::{Permit, Refusal, Refused, TargetPolicy},
    problems::Quoted,
    rule::{NotARule, Rule},
};

/// One item of a list of targets. Its `Display` is canonical and safe to hand to a scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Address(IpAddr),
    /// Host bits may be set; it still means the whole network.
    Network(IpNet),
    Range(AddressRange),
    Name(HostName),
}

/// Addresses of one family from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    // Invariant: both of one family, and `first <= last`.
    first: IpAddr,
    last: IpAddr,
}

/// What a target covers, however it was written. Comparisons use only this.
enum Extent<'a> {
    Addresses(Span),
    Name(&'a HostName),
}

/// At least one target, in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    written: String,
    targets: Vec<Target>,
}

impl Targets {
    /// The targets in the order in which they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Target> {
        self.targets.iter()
    }

    /// How many different addresses there are; a name counts as one. The whole of IPv6 counts as one address less,
    /// since its size does not fit.
    pub fn count(&self) -> u128 {
        let (mut spans, mut names) = (Vec::new(), HashSet::new());
        for target in &self.targets {
            match target.extent() {
                Extent::Addresses(span) => spans.push(span),
                Extent::Name(name) => {
                    names.insert(name.folded());
                }
            }
        }
        let addresses = span::merge(spans).into_iter().fold(0, |sum: u128, span| sum.saturating_add(span.size()));
        addresses.saturating_add(names.len() as u128)
    }

    /// Whether some target has an address or the name in common with `sought`.
    pub fn matches(&self, sought: &Target) -> bool {
        self.targets.iter().any(|target| target.overlaps(sought))
    }
}

/// Shows the targets as they were written, without outer blanks.
impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Target {
    /// Whether both have an address in common, or are the same name. A name is never the same as an address.
    pub fn overlaps(&self, other: &Target) -> bool {
        match (self.extent(), other.extent()) {
            (Extent::Addresses(span), Extent::Addresses(other)) => span.overlaps(other),
            (Extent::Name(name), Extent::Name(other)) => name == other,
            (Extent::Addresses(_), Extent::Name(_)) | (Extent::Name(_), Extent::Addresses(_)) => false,
        }
    }

    fn extent(&self) -> Extent<'_> {
        match self {
            Self::Address(address) => Extent::Addresses(Span::new(*address, *address)),
            Self::Network(network) => Extent::Addresses(Span::new(network.network(), network.broadcast())),
            Self::Range(range) => Extent::Addresses(Span::new(range.first, range.last)),
            Self::Name(name) => Extent::Name(name),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::Range(range) => write!(f, "{}-{}", range.first, range.last),
            Self::Name(name) => name.fmt(f),
        }
    }
}
