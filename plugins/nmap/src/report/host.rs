//! A host and one of its ports, as a report describes them apart from script results.

/// A host, as described by the elements before its ports.
#[derive(Clone, Debug, Default)]
pub struct Host {
    pub is_up: bool,
    /// The IPv4 or IPv6 address.
    pub address: String,
    pub mac: String,
    /// The host's name in the targets.
    pub target_name: String,
    /// The host's name in the DNS.
    pub dns_name: String,
}

#[derive(Clone, Debug, Default)]
pub struct Port {
    pub is_open: bool,
    pub protocol: String,
    pub number: String,
    pub service: Service,
    pub cpes: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Service {
    pub name: String,
    pub product: String,
    pub version: String,
    pub extra: String,
    pub system: String,
    pub tunnel: String,
}

impl Host {
    pub fn add_address(&mut self, address: String, kind: &str) {
        let field = if kind == "mac" { &mut self.mac } else { &mut self.address };
        if field.is_empty() {
            *field = address;
        }
    }

    pub fn add_name(&mut self, name: String, kind: &str) {
        let field = if kind == "user" { &mut self.target_name } else { &mut self.dns_name };
        if field.is_empty() {
            *field = name;
        }
    }

    /// The host's name in findings, which is the same in every report of the same targets.
    pub fn label(&self) -> &str {
        [&self.target_name, &self.address, &self.dns_name]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("", String::as_str)
    }

    pub fn domain_name(&self) -> &str {
        if self.dns_name.is_empty() { &self.target_name } else { &self.dns_name }
    }
}

impl Port {
    /// The product, such as `OpenSSH 9.2p1 (protocol 2.0)`; empty if it was not recognised.
    pub fn product(&self) -> String {
        let Service { product, version, extra, .. } = &self.service;
        let mut text = product.clone();
        if !version.is_empty() {
            text = format!("{text} {version}").trim_start().to_owned();
        }
        if !extra.is_empty() {
            text = format!("{text} ({extra})").trim_start().to_owned();
        }
        text
    }

    pub fn service_name(&self) -> String {
        let Service { name, tunnel, .. } = &self.service;
        if tunnel.is_empty() { name.clone() } else { format!("{tunnel}/{name}") }
    }
}
