//! Which addresses may be dialled, whatever a name resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Cloud metadata services outside the link-local ranges.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether no scanner can be at this address: metadata, link-local, multicast and unspecified addresses. An IPv4-mapped
/// IPv6 address counts as IPv4.
pub fn is_forbidden(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    is_link_local || address.is_unspecified() || address.is_multicast() || METADATA.contains(&address)
}

/// Resolves names to the addresses that may be dialled, so that the checked address is the dialled one.
pub struct CheckedResolver;

/// No address of the name may be dialled.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves only to addresses that may not be reached, such as metadata or link-local ones")]
struct NothingAllowed;

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NothingAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
