//! The body of a create request, validated as Nessus validates it.

use serde_json::Value;

use crate::{edition, reply::Refusal, settings::Settings};

/// A valid create request.
#[derive(Debug)]
pub struct CreateRequest {
    pub name: String,
    pub description: String,
    pub targets: String,
    pub folder: u64,
    pub has_credentials: bool,
    pub launch_now: bool,
}

/// The name and description in a body, which need not be valid.
pub fn name_and_description(body: &Value) -> [&str; 2] {
    ["name", "description"].map(|key| body.pointer(&format!("/settings/{key}")).and_then(Value::as_str).unwrap_or(""))
}

impl CreateRequest {
    pub fn parse(body: &Value, settings: &Settings) -> Result<Self, Refusal> {
        let template = body.get("uuid").and_then(Value::as_str).ok_or(Refusal::invalid("Missing template uuid"))?;
        if !edition::has_template(template, settings) {
            return Err(Refusal::invalid("The template does not exist"));
        }
        let options = body.get("settings").filter(|value| value.is_object()).ok_or(Refusal::invalid("No settings"))?;
        let required = |key: &str, refusal| {
            options.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).ok_or(refusal)
        };
        let name = required("name", Refusal::invalid("The scan needs a name"))?;
        let targets = required("text_targets", Refusal::invalid("The scan needs targets"))?;
        Ok(Self {
            name: name.to_owned(),
            description: name_and_description(body)[1].to_owned(),
            targets: targets.to_owned(),
            folder: folder(options.get("folder_id"))?,
            has_credentials: has_credentials(body),
            launch_now: options.get("launch_now").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

/// Parses the id of an existing folder, and returns the main folder if there is no id.
pub fn folder(value: Option<&Value>) -> Result<u64, Refusal> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(edition::MAIN_FOLDER) };
    // Older clients send ids as text.
    let id = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    id.filter(|id| edition::FOLDERS.contains(id)).ok_or(Refusal::invalid("The folder does not exist"))
}

fn has_credentials(body: &Value) -> bool {
    let entries = body.pointer("/credentials/add/Host/SSH").and_then(Value::as_array);
    entries.is_some_and(|entries| !entries.is_empty())
}
