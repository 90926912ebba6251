//! Targets in the forms that every scanner's command line accepts: ranges become the networks that they consist of.

use std::net::IpAddr;

use ipnet::{IpSubnets, Ipv4Subnets, Ipv6Subnets};

use super::{AddressRange, Target, Targets};

impl Targets {
    /// Addresses, networks and host names, in the order in which they were written. None begins with a dash or has a
    /// blank in it.
    pub fn plain(&self) -> impl Iterator<Item = String> {
        self.targets.iter().flat_map(Target::plain)
    }
}

impl Target {
    fn plain(&self) -> Vec<String> {
        match self {
            Self::Range(range) => range.networks().collect(),
            Self::Address(_) | Self::Network(_) | Self::Name(_) => vec![self.to_string()],
        }
    }
}

impl AddressRange {
    /// The networks that the range consists of, at most two for each bit of an address.
    fn networks(&self) -> impl Iterator<Item = String> {
        let subnets = match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => Some(IpSubnets::from(Ipv4Subnets::new(first, last, 0))),
            (IpAddr::V6(first), IpAddr::V6(last)) => Some(IpSubnets::from(Ipv6Subnets::new(first, last, 0))),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
        };
        let is_single = |network: &ipnet::IpNet| network.prefix_len() == network.max_prefix_len();
        let plain = move |network: ipnet::IpNet| {
            if is_single(&network) { network.addr().to_string() } else { network.to_string() }
        };
        subnets.into_iter().flatten().map(plain)
    }
}
