//! The profiles in which results can be shown.

use scanhost_domain::field::{Columns, standard};
use scanhost_sandbox::Selection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{host::Host, refusal::Refusal, snapshot::LoadedProfile};

#[derive(Deserialize, JsonSchema)]
pub struct Args {}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub profiles: Vec<ProfileReply>,
}

#[derive(Serialize, JsonSchema)]
pub struct ProfileReply {
    /// value for schema_profile
    pub name: String,
    pub version: String,
    /// the fields in their order, or "all" for every field that the report has
    pub fields: FieldsReply,
    /// filters that the profile always applies, in addition to your own
    pub filters: Map<String, Json>,
    /// SHA-256 of the plugin
    pub digest: String,
    /// grows whenever the plugin or the profile's definition is replaced
    pub generation: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FieldsReply {
    All(AllFields),
    Some(Vec<FieldReply>),
}

#[derive(Serialize, JsonSchema)]
pub enum AllFields {
    #[serde(rename = "all")]
    All,
}

#[derive(Serialize, JsonSchema)]
pub struct FieldReply {
    pub name: String,
    #[serde(rename = "type")]
    pub field_type: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Every profile with its fields.
pub async fn list(host: &Host) -> Result<Reply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let profiles = snapshot.profiles.iter().map(reply).collect();
    Ok(Reply { profiles })
}

pub fn reply(profile: &LoadedProfile) -> ProfileReply {
    let fields = match &profile.description.fields {
        Selection::All => FieldsReply::All(AllFields::All),
        Selection::Some(names) => FieldsReply::Some(names.iter().map(|name| field(profile, name)).collect()),
    };
    ProfileReply {
        name: profile.name.to_string(),
        version: profile.description.version.clone(),
        fields,
        filters: serde_json::from_str(&profile.filters).unwrap_or_default(),
        digest: profile.component.digest().to_string(),
        generation: profile.generation,
    }
}

fn field(profile: &LoadedProfile, name: &str) -> FieldReply {
    let derived = profile.description.derived.iter().find(|(derived, ..)| derived == name);
    if let Some(grouping) = &profile.grouping
        && grouping.makes(name)
    {
        let measure = grouping.measure(name);
        let field_type = measure.field_type(&Columns::default()).name();
        let description = derived.map_or_else(|| measure.to_string(), |(_, _, description)| description.clone());
        return FieldReply { name: name.to_owned(), field_type, description };
    }
    let (field_type, description) = match (standard(name), derived) {
        (Some(standard), _) => (standard.field_type.name(), standard.description.to_owned()),
        (None, Some((_, field_type, description))) => (field_type.name(), description.clone()),
        (None, None) => ("text", String::new()),
    };
    FieldReply { name: name.to_owned(), field_type, description }
}
