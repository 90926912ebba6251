//! The tools that this process offers now, with the arguments that the configuration gives them.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::Tool;
use scanhost_app::{access::Access, host::Host};

use super::{tool::Row, tool_list::rows, toolset::Offer};

pub struct Offered {
    host: Arc<Host>,
    offer: Offer,
    /// The tools, and the generation of the configuration that they were made for.
    present: Mutex<(u64, Arc<[Row]>)>,
}

impl Offered {
    pub fn new(host: Arc<Host>, offer: Offer) -> Self {
        let present = Mutex::new(made(&host, &offer));
        Self { host, offer, present }
    }

    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    pub fn rows(&self) -> Arc<[Row]> {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.0 != self.host.snapshot.load().generation {
            *present = made(&self.host, &self.offer);
        }
        present.1.clone()
    }

    /// Whether this caller sees the tool of that name.
    pub fn may(&self, access: &Access, name: &str) -> bool {
        self.rows().iter().any(|row| row.tool.name == name && access.may(row.scope))
    }

    /// Whether the process offers tools that change something.
    pub fn changes(&self) -> bool {
        !self.offer.read_only
    }

    #[cfg(feature = "conformance")]
    pub fn has_fixtures(&self) -> bool {
        self.offer.conformance_fixtures
    }

    /// The tools that this caller sees, always in the same order.
    pub fn tools(&self, access: &Access) -> Vec<Tool> {
        self.rows().iter().filter(|row| access.may(row.scope)).map(|row| row.tool.clone()).collect()
    }
}

fn made(host: &Host, offer: &Offer) -> (u64, Arc<[Row]>) {
    let snapshot = host.snapshot.load();
    let rows = rows(snapshot.config.confirm_privileged)
        .into_iter()
        .filter(|row| offer.includes(row.toolset, row.effect))
        .collect();
    (snapshot.generation, rows)
}
