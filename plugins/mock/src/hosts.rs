//! The hosts in a scan's targets. Networks and ranges are expanded only as far as needed.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

#[cfg(test)]
mod tests;

/// Returns the hosts of the targets, in order, each once.
pub fn hosts(targets: &[String]) -> impl Iterator<Item = String> {
    let mut seen = BTreeSet::new();
    targets.iter().flat_map(|target| hosts_of(target)).filter(move |host| seen.insert(host.clone()))
}

/// Returns as many of the first targets as are needed for `count` hosts.
pub fn first_targets(targets: &[String], count: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let is_needed = |target: &&String| {
        let missing = seen.len() < count;
        if missing {
            seen.extend(hosts_of(target).take(count));
        }
        missing
    };
    targets.iter().take_while(is_needed).cloned().collect()
}

fn hosts_of(target: &str) -> Box<dyn Iterator<Item = String> + '_> {
    match network(target).or_else(|| range(target)) {
        Some(Addresses::V4(first, last)) => Box::new((first..=last).map(|bits| Ipv4Addr::from_bits(bits).to_string())),
        Some(Addresses::V6(first, last)) => Box::new((first..=last).map(|bits| Ipv6Addr::from_bits(bits).to_string())),
        // A single address or a host name, as it is.
        None => Box::new(std::iter::once(target.to_owned())),
    }
}

/// The first and the last address.
enum Addresses {
    V4(u32, u32),
    V6(u128, u128),
}

/// Parses a network such as `10.0.0.0/24`; host bits are allowed. The network address and the broadcast address are
/// left out if the network has them.
fn network(target: &str) -> Option<Addresses> {
    let (address, prefix) = target.split_once('/')?;
    let prefix: u32 = prefix.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let host_bits = u32::MAX.checked_shr(prefix).unwrap_or(0);
            let (first, last) = (address.to_bits() & !host_bits, address.to_bits() | host_bits);
            let has_reserved = prefix < 31;
            Some(if has_reserved { Addresses::V4(first + 1, last - 1) } else { Addresses::V4(first, last) })
        }
        IpAddr::V6(address) => {
            let host_bits = u128::MAX.checked_shr(prefix).unwrap_or(0);
            Some(Addresses::V6(address.to_bits() & !host_bits, address.to_bits() | host_bits))
        }
    }
}

/// Parses a range such as `10.0.0.1-10.0.0.20` or `10.0.0.1-20`.
fn range(target: &str) -> Option<Addresses> {
    let (first, last) = target.split_once('-')?;
    match (first.parse().ok()?, last.parse().ok()) {
        (IpAddr::V4(first), Some(IpAddr::V4(last))) => Some(Addresses::V4(first.to_bits(), last.to_bits())),
        (IpAddr::V6(first), Some(IpAddr::V6(last))) => Some(Addresses::V6(first.to_bits(), last.to_bits())),
        (IpAddr::V4(first), None) => {
            let last_octet: u8 = last.parse().ok()?;
            let [a, b, c, _] = first.octets();
            Some(Addresses::V4(first.to_bits(), Ipv4Addr::new(a, b, c, last_octet).to_bits()))
        }
        _ => None,
    }
}
