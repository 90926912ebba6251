//! Prompts: what people ask again and again, with the data that is needed to begin. One file a prompt.

mod compare_scans;
mod remediation_plan;
mod subject;
mod triage_scan;

use std::{future::Future, pin::Pin, sync::Arc};

use rmcp::model::{JsonObject, Prompt, PromptArgument, PromptMessage};
use serde_json::Value as Json;

use crate::{host::Host, refusal::Refusal};

type Writing = Pin<Box<dyn Future<Output = Result<Vec<PromptMessage>, Refusal>> + Send>>;

/// A prompt as it is listed and written.
pub struct PromptRow {
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Ids of scans, all of them required: name and description.
    arguments: &'static [(&'static str, &'static str)],
    write: fn(Arc<Host>, Vec<String>) -> Writing,
}

pub const PROMPTS: [PromptRow; 3] = [triage_scan::ROW, compare_scans::ROW, remediation_plan::ROW];

impl PromptRow {
    pub fn listed(&self) -> Prompt {
        let argument = |(name, description): &(&str, &str)| {
            PromptArgument::new(*name).with_description(*description).with_required(true)
        };
        let arguments = self.arguments.iter().map(argument).collect();
        Prompt::new(self.name, Some(self.description), Some(arguments)).with_title(self.title)
    }

    pub fn has_argument(&self, name: &str) -> bool {
        self.arguments.iter().any(|(known, _)| *known == name)
    }

    /// # Errors
    /// When an argument is missing, or there is no such scan.
    pub async fn messages(&self, host: &Arc<Host>, given: &JsonObject) -> Result<Vec<PromptMessage>, Refusal> {
        let value = |(name, description): &(&str, &str)| match given.get(*name) {
            Some(Json::String(text)) => Ok(text.clone()),
            _ => Err(Refusal::invalid(format!("missing argument {name}"), format!("It is {description}."))),
        };
        let values = self.arguments.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        (self.write)(host.clone(), values).await
    }
}

/// The prompt of that name.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static PromptRow, Refusal> {
    static ROWS: [PromptRow; 3] = PROMPTS;
    ROWS.iter().find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        Refusal::invalid("there is no such prompt", format!("Prompts are: {}.", names.join(", ")))
    })
}
