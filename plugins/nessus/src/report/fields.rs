//! The names of fields, each with a small number, and a fast lookup by the name of a child element.

use std::collections::BTreeMap;

use scanhost_sdk::xml::{NOT_A_NAME, is_name, is_same};

/// The most names that a report may have, which is the host's limit.
const MAX_FIELDS: usize = 4096;
/// The longest name that the host accepts, in bytes.
const MAX_NAME: usize = 128;

/// The index of a name in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u16);

/// Fields from attributes and host properties, and computed ones. They come first in every finding, in this order.
pub const HEADER: [&str; 14] = [
    "host",
    "plugin_id",
    "plugin_name",
    "plugin_family",
    "severity",
    "severity_id",
    "port",
    "protocol",
    "svc_name",
    "host_ip",
    "host_fqdn",
    "operating_system",
    "mac_address",
    "cvss_score",
];

/// Child elements that need special treatment.
const SPECIAL: [&str; 6] =
    ["see_also", "risk_factor", "plugin_output", "cvss4_base_score", "cvss3_base_score", "cvss_base_score"];

impl Slot {
    pub const HOST: Self = Self(0);
    pub const PLUGIN_ID: Self = Self(1);
    pub const PLUGIN_NAME: Self = Self(2);
    pub const PLUGIN_FAMILY: Self = Self(3);
    pub const SEVERITY: Self = Self(4);
    pub const SEVERITY_ID: Self = Self(5);
    pub const PORT: Self = Self(6);
    pub const PROTOCOL: Self = Self(7);
    pub const SVC_NAME: Self = Self(8);
    pub const HOST_IP: Self = Self(9);
    pub const HOST_FQDN: Self = Self(10);
    pub const OPERATING_SYSTEM: Self = Self(11);
    pub const MAC_ADDRESS: Self = Self(12);
    pub const CVSS_SCORE: Self = Self(13);
    pub const SEE_ALSO: Self = Self(14);
    pub const RISK_FACTOR: Self = Self(15);
    pub const PLUGIN_OUTPUT: Self = Self(16);
    pub const CVSS4: Self = Self(17);
    pub const CVSS3: Self = Self(18);
    pub const CVSS2: Self = Self(19);

    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The slots of [`HEADER`].
    pub fn header() -> impl Iterator<Item = Self> {
        (0..HEADER.len() as u16).map(Self)
    }

    /// Whether the host accepts this value for the field; otherwise it leaves out the value.
    pub fn takes(self, value: &[u8]) -> bool {
        let is_integer = self == Self::PLUGIN_ID || self == Self::PORT;
        !is_integer || std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok())
    }

    /// The base scores, in order of preference.
    pub fn scores() -> [Self; 3] {
        [Self::CVSS4, Self::CVSS3, Self::CVSS2]
    }
}

/// All names that were read so far.
pub struct Names {
    names: Vec<String>,
    // An ordered map, since a hash map would ask the host for randomness.
    by_name: BTreeMap<String, Slot>,
    /// For each name the one that came after it last time. Children mostly have the same order.
    next: Vec<Slot>,
    last: Slot,
}

impl Names {
    pub fn new() -> Self {
        let mut names = Self { names: Vec::new(), by_name: BTreeMap::new(), next: Vec::new(), last: Slot(0) };
        for name in HEADER.into_iter().chain(SPECIAL) {
            names.add(name);
        }
        names
    }

    pub fn name(&self, slot: Slot) -> &str {
        &self.names[slot.index()]
    }

    /// Returns the slot of a child element by its whole name, and refuses invalid names.
    pub fn slot(&mut self, element: &str) -> Result<Slot, &'static str> {
        let guess = self.next[self.last.index()];
        let matches = |slot: Slot| is_same(self.names[slot.index()].as_bytes(), element.as_bytes());
        let slot = if matches(guess) {
            guess
        } else if matches(self.last) {
            return Ok(self.last);
        } else {
            let local = match element.split_once(':') {
                None => element,
                Some((_, local)) if is_name(element) => local,
                Some(_) => return Err(NOT_A_NAME),
            };
            match self.by_name.get(local) {
                Some(slot) => *slot,
                None => self.admit(local)?,
            }
        };
        self.next[self.last.index()] = slot;
        self.last = slot;
        Ok(slot)
    }

    fn admit(&mut self, name: &str) -> Result<Slot, &'static str> {
        if !is_name(name) {
            Err(NOT_A_NAME)
        } else if name.len() > MAX_NAME {
            Err("a field's name has more than 128 bytes")
        } else if self.names.len() == MAX_FIELDS {
            Err("the report has more than 4,096 different fields")
        } else {
            Ok(self.add(name))
        }
    }

    /// The caller makes sure that there are at most [`MAX_FIELDS`].
    fn add(&mut self, name: &str) -> Slot {
        let slot = Slot(self.names.len() as u16);
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), slot);
        self.next.push(slot);
        slot
    }
}
