//! Arithmetic of address intervals.

use std::net::{IpAddr, Ipv4Addr};

/// An interval of addresses as numbers of 128 bits. IPv4 addresses lie where IPv6 maps them (`::ffff:0:0/96`), so that
/// a mapped address equals the IPv4 address that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    // Invariant: `first <= last`.
    first: u128,
    last: u128,
}

const IPV4: Span = Span { first: bits(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), last: bits(IpAddr::V4(Ipv4Addr::BROADCAST)) };

const fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Span {
    /// The span from one address to another that is not smaller.
    pub(super) fn new(first: IpAddr, last: IpAddr) -> Self {
        Self { first: bits(first), last: bits(last) }
    }

    pub(super) fn overlaps(self, other: Span) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    pub(super) fn covers(self, other: Span) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// How many addresses it has. For all of IPv6 it is one less, since that number does not fit.
    pub(super) fn size(self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    /// The span as a rule means it: `::/0` covers IPv6 and not the IPv4 addresses within it. A span of IPv4 addresses
    /// alone stays as it is.
    pub(super) fn of_one_family(self) -> Vec<Span> {
        if IPV4.covers(self) || !IPV4.overlaps(self) {
            return vec![self];
        }
        let before = (self.first < IPV4.first).then_some(Self { first: self.first, last: IPV4.first - 1 });
        let after = (self.last > IPV4.last).then_some(Self { first: IPV4.last + 1, last: self.last });
        before.into_iter().chain(after).collect()
    }
}

/// The union as spans in order, with a gap between each and the next.
pub(super) fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut union: Vec<Span> = Vec::new();
    for span in spans {
        match union.last_mut() {
            Some(previous) if span.first <= previous.last.saturating_add(1) => {
                previous.last = previous.last.max(span.last)
            }
            _ => union.push(span),
        }
    }
    union
}

/// Whether a union that [`merge`] made covers all of the span.
pub(super) fn union_covers(union: &[Span], span: Span) -> bool {
    let after = union.partition_point(|part| part.first <= span.first);
    after.checked_sub(1).is_some_and(|index| union[index].covers(span))
}
