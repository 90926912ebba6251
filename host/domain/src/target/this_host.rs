//! What means the scanner's own machine without being a loopback address: names that every machine knows for itself, and
//! the address that stands for none, which connects to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{HostName, Place, span::Span};

/// By RFC 6761, and by the hosts file of most systems.
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

/// Whether a scan of it reaches loopback: a rule that denies that denies it too.
pub(super) fn is_this_host(place: &Place<'_>) -> bool {
    match place {
        Place::Addresses(span) => unspecified().into_iter().any(|address| span.overlaps(address)),
        Place::Name(name) => is_own_name(name),
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
