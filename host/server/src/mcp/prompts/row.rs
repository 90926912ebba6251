//! The one shape of all prompts.

use std::{future::Future, pin::Pin, sync::Arc};

use rmcp::model::{JsonObject, Prompt, PromptArgument, PromptMessage};
use scanhost_app::{host::Host, refusal::Refusal};
use serde_json::Value as Json;

type Writing = Pin<Box<dyn Future<Output = Result<Vec<PromptMessage>, Refusal>> + Send>>;

/// A prompt as it is listed and written.
pub struct PromptRow {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// The name and the description of each argument. All are ids of scans, and required.
    pub arguments: &'static [(&'static str, &'static str)],
    pub write: fn(Arc<Host>, Vec<String>) -> Writing,
}

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

    /// Writes the prompt's messages.
    pub async fn messages(&self, host: &Arc<Host>, given: &JsonObject) -> Result<Vec<PromptMessage>, Refusal> {
        let value = |(name, description): &(&str, &str)| match given.get(*name) {
            Some(Json::String(text)) => Ok(text.clone()),
            _ => Err(Refusal::invalid(format!("missing argument {name}"), format!("It is {description}."))),
        };
        let values = self.arguments.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        (self.write)(host.clone(), values).await
    }
}
