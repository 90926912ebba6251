//! Targets that mean the scanner's own machine without being loopback addresses: names that every machine has for
//! itself, and the unspecified address, which connects to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Extent, HostName, span::Span};

/// Names of the own machine by RFC 6761, and by the hosts file of most systems.
const NAMES: [&str; 8] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
];

/// Whether a scan of the extent reaches loopback, so that a rule that denies loopback denies it, too.
pub(super) fn is_this_host(extent: &Extent<'_>) -> bool {
    match extent {
        Extent::Addresses(span) => unspecified().into_iter().any(|address| span.overlaps(address)),
        Extent::Name(name) => is_own_name(name),
    }
}

/// All loopback addresses.
pub(super) fn loopback() -> [Span; 2] {
    let last = Ipv4Addr::new(127, 255, 255, 255);
    [
        Span::new(Ipv4Addr::new(127, 0, 0, 0).into(), last.into()),
        Span::new(Ipv6Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()),
    ]
}

fn unspecified() -> [Span; 2] {
    let single = |address: IpAddr| Span::new(address, address);
    [single(Ipv4Addr::UNSPECIFIED.into()), single(Ipv6Addr::UNSPECIFIED.into())]
}

fn is_own_name(name: &HostName) -> bool {
    let name = name.folded();
    name.ends_with(".localhost") || NAMES.contains(&name.as_str())
}
