//! The host that is being read: the values that all its findings share, and its evidence about credentials.

use super::{authentication::HostEvidence, fields::Slot};

/// The longest value of a host, in bytes. Every batch has room for all values of a host, and for its name twice.
pub const MAX_VALUE: usize = 64 * 1024;

/// The fields that every finding of a host gets, in this order.
pub const SHARED: [Slot; 5] = [Slot::HOST, Slot::HOST_IP, Slot::HOST_FQDN, Slot::OPERATING_SYSTEM, Slot::MAC_ADDRESS];

#[derive(Default)]
pub struct Host {
    /// The values in the order of [`SHARED`]; empty if the report has none.
    pub values: [Vec<u8>; SHARED.len()],
    pub evidence: HostEvidence,
    /// Whether its `HostProperties` were read. They usually come before the findings.
    pub has_properties: bool,
}

/// A `tag` of `HostProperties` that is used.
#[derive(Clone, Copy)]
pub enum Property {
    /// The index in [`SHARED`].
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
    /// Sets a property. If it is given twice, the first one counts.
    pub fn set(&mut self, property: Property, value: &[u8]) {
        match property {
            Property::Shared(place) if self.values[place].is_empty() => self.values[place].extend_from_slice(value),
            Property::Shared(_) => {}
            Property::CredentialedScan => self.evidence.see_tag(value),
        }
    }
}
