//! The choice of the tools that are offered: by group, and optionally only those that change nothing.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::effect::Effect;

/// Tools that one kind of agent needs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Toolset {
    /// Submit scans, follow them, end and delete them
    Scan,
    /// Read what scans found
    Results,
    /// See the scanners and pools
    Scanners,
    /// See what waits
    Queue,
    /// All of them
    All,
}

/// What a process offers to its clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Offer {
    /// Offer only these groups of tools; all without this
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SETS")]
    pub toolsets: Vec<Toolset>,
    /// Offer only tools that change nothing
    #[arg(long)]
    pub read_only: bool,
    /// Offer what the protocol's conformance suite looks for
    #[cfg(feature = "conformance")]
    #[arg(long)]
    #[serde(default)]
    pub conformance_fixtures: bool,
}

impl Offer {
    /// Whether a tool of this group and with this effect is offered.
    pub fn includes(&self, toolset: Toolset, effect: Effect) -> bool {
        let is_chosen = |chosen: &Toolset| *chosen == Toolset::All || *chosen == toolset;
        (self.toolsets.is_empty() || self.toolsets.iter().any(is_chosen))
            && (!self.read_only || effect == Effect::Reads)
    }
}
