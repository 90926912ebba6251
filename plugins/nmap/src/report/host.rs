//! What a report says about a host and one of its ports, before what scripts say.

/// A host, by the elements that stand before its ports.
#[derive(Clone, Debug, Default)]
pub struct Host {
    pub is_up: bool,
    /// IPv4 or IPv6.
    pub address: String,
    pub mac: String,
    /// As the targets name it.
    pub asked: String,
    /// As it is called by the DNS.
    pub resolved: String,
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
        let place = if kind == "mac" { &mut self.mac } else { &mut self.address };
        if place.is_empty() {
            *place = address;
        }
    }

    pub fn add_name(&mut self, name: String, kind: &str) {
        let place = if kind == "user" { &mut self.asked } else { &mut self.resolved };
        if place.is_empty() {
            *place = name;
        }
    }

    /// What it is called in findings: the same in every report of the same targets.
    pub fn label(&self) -> &str {
        [&self.asked, &self.address, &self.resolved]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("", String::as_str)
    }

    pub fn domain_name(&self) -> &str {
        if self.resolved.is_empty() { &self.asked } else { &self.resolved }
    }
}

impl Port {
    /// Such as `OpenSSH 9.2p1 (protocol 2.0)`; empty where it was not recognised.
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
