//! The option that says which findings to show, for every command that shows some.

use serde_json::{Map, Value as Json};

use crate::filter_word::{FilterWord, combine};

/// Filters on the command line.
#[derive(clap::Args)]
pub struct FilterArgs {
    /// Show only matching findings, such as severity=High or 'cvss_score=>=7'. Filters on different fields must all match;
    /// of several on one field, any
    #[arg(long, value_name = "K=V")]
    filter: Vec<FilterWord>,
}

impl FilterArgs {
    /// The filters as one object, as they would come over MCP.
    pub fn combined(&self) -> Map<String, Json> {
        combine(&self.filter)
    }
}
