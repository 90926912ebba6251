//! The host that is being read: what all its findings share, and what it says about credentials.

use super::{authentication::HostEvidence, fields::Slot};

/// The longest of a host's values, in bytes. Every batch has room for all of them, and for the name twice.
pub const MAX_VALUE: usize = 64 * 1024;

/// What every finding of a host gets, in the order in which it does.
pub const SHARED: [Slot; 5] = [Slot::HOST, Slot::HOST_IP, Slot::HOST_FQDN, Slot::OPERATING_SYSTEM, Slot::MAC_ADDRESS];

#[derive(Default)]
pub struct Host {
    /// By place in [`SHARED`]; empty where the report has none.
    pub values: [Vec<u8>; SHARED.len()],
    pub evidence: HostEvidence,
    /// Whether its `HostProperties` were seen. They come before the findings, but need not.
    pub has_properties: bool,
}

/// A `tag` of `HostProperties` that means something to us.
#[derive(Clone, Copy)]
pub enum Property {
    /// The place in [`SHARED`].
    Shared(usize),
    CredentialedScan,
}

impl Property {
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"host-ip" => Some(Self::Shared(1)),
            b"host-fqdn" => Some(Self::Shared(2)),
            b"operating-system" => Some(Self::Shared(3)),
            b"mac-address" => Some(Self::Shared(4)),
            b"Credentialed_Scan" => Some(Self::CredentialedScan),
            _ => None,
        }
    }
}

impl Host {
    /// Of a property that is given twice the first counts.
    pub fn set(&mut self, property: Property, value: &[u8]) {
        match property {
            Property::Shared(place) if self.values[place].is_empty() => self.values[place].extend_from_slice(value),
            Property::Shared(_) => {}
            Property::CredentialedScan => self.evidence.see_tag(value),
        }
    }
}
