//! Parses text into targets. Every problem of a list is found before any is reported.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::IpNet;

use super::{
    AddressRange, HostName, Target, Targets,
    host_name::has_letter,
    problems::{Problems, Quoted},
};

/// A list of 65,536 addresses one by one fits; anything much longer is an accident or an attack.
const LONGEST_LIST: usize = 1 << 20;

/// Why an item is not a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATarget {
    #[error("begins with `-`, like a command-line option")]
    OptionLike,
    #[error("is not a valid address")]
    Address,
    #[error("is not a network: write an address, `/` and a valid prefix length")]
    Network,
    #[error("is not a range: write `10.0.0.1-10.0.0.20` or `10.0.0.1-20`")]
    Range,
    #[error("is a range between IPv4 and IPv6")]
    MixedRange,
    #[error("is a range that ends before it starts")]
    ReversedRange,
    #[error("is not an address, network, range or host name")]
    Name,
}

/// All that is wrong with a list of targets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(Problems<TargetProblem>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetProblem {
    TooLong { bytes: usize },
    Empty,
    Item { item: Quoted, reason: NotATarget },
}

impl TargetError {
    /// The first problems; if there are very many, the last ones are left out.
    pub fn problems(&self) -> impl Iterator<Item = &TargetProblem> {
        self.0.iter()
    }
}

impl fmt::Display for TargetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "the list of targets has {bytes} bytes, but at most {LONGEST_LIST} are allowed")
            }
            Self::Empty => f.write_str("no targets"),
            Self::Item { item, reason } => write!(f, "{item} {reason}"),
        }
    }
}

impl Targets {
    /// Reads targets that commas or white space separate.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let mut problems = Problems::default();
        if text.len() > LONGEST_LIST {
            problems.push(TargetProblem::TooLong { bytes: text.len() });
            return Err(TargetError(problems));
        }
        let mut targets = Vec::new();
        let separator = |c: char| c == ',' || c.is_whitespace();
        for item in text.split(separator).filter(|item| !item.is_empty()) {
            match item.parse() {
                Ok(target) => targets.push(target),
                Err(reason) => problems.push(TargetProblem::Item { item: Quoted::new(item), reason }),
            }
        }
        if targets.is_empty() && problems.is_empty() {
            problems.push(TargetProblem::Empty);
        }
        let targets = Self { written: text.trim().to_owned(), targets };
        if problems.is_empty() { Ok(targets) } else { Err(TargetError(problems)) }
    }
}

impl FromStr for Target {
    type Err = NotATarget;

    fn from_str(item: &str) -> Result<Self, NotATarget> {
        if item.starts_with('-') {
            return Err(NotATarget::OptionLike);
        }
        if let Some((address, prefix)) = item.split_once('/') {
            return network(address, prefix).map(Self::Network).ok_or(NotATarget::Network);
        }
        if let Ok(address) = item.parse() {
            return Ok(Self::Address(address));
        }
        // `1-800-flowers.example` is a name, so a dash alone does not make a range.
        let is_numeric = item.contains(':') || !has_letter(item);
        if let Some((first, last)) = item.split_once('-')
            && (is_numeric || first.parse::<IpAddr>().is_ok())
        {
            return range(first, last).map(Self::Range);
        }
        if is_numeric
            && !item.is_empty()
            && item.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
        {
            return Err(NotATarget::Address);
        }
        HostName::parse(item).map(Self::Name).ok_or(NotATarget::Name)
    }
}

fn network(address: &str, prefix: &str) -> Option<IpNet> {
    // `u8` would also take `+8` and `08`.
    let is_plain = prefix == "0" || (!prefix.starts_with('0') && prefix.bytes().all(|byte| byte.is_ascii_digit()));
    let prefix = is_plain.then(|| prefix.parse().ok())??;
    IpNet::new(address.parse().ok()?, prefix).ok()
}

fn range(first: &str, last: &str) -> Result<AddressRange, NotATarget> {
    let first: IpAddr = first.parse().map_err(|_| NotATarget::Range)?;
    let last = last.parse().ok().or_else(|| last_octet(first, last)).ok_or(NotATarget::Range)?;
    if first.is_ipv4() != last.is_ipv4() {
        Err(NotATarget::MixedRange)
    } else if first > last {
        Err(NotATarget::ReversedRange)
    } else {
        Ok(AddressRange { first, last })
    }
}

/// The address that has the other octets of `first` and this last octet.
fn last_octet(first: IpAddr, octet: &str) -> Option<IpAddr> {
    let IpAddr::V4(first) = first else { return None };
    let [a, b, c, _] = first.octets();
    // Read as part of an address, so that the same octets are valid here as there.
    format!("{a}.{b}.{c}.{octet}").parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}
