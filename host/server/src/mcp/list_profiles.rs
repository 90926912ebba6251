//! `list_profiles`: how results can be shown.

use scanhost_app::snapshot::LoadedProfile;
use scanhost_config::Scope;
use scanhost_domain::field::{Columns, standard};
use scanhost_sandbox::Selection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub profiles: Vec<ProfileReply>,
}

#[derive(Serialize, JsonSchema)]
pub struct ProfileReply {
    /// what schema_profile takes
    pub name: String,
    pub version: String,
    /// the fields in their order, or "all" for every field that the report has
    pub fields: FieldsReply,
    /// standing filters, which hold beside your own
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

pub fn row() -> Row {
    let about = About {
        name: "list_profiles",
        title: "List result profiles",
        description: "Lists the profiles that get_scan_results can show findings in, with their fields and standing \
            filters. Use it to choose a schema_profile. `full` has every field of the report, of which each can be used in \
            filters and custom_fields; a misspelt one is answered with the names that exist. Example: {}",
        toolset: Toolset::Results,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, Args {}| async move {
        let snapshot = call.host.snapshot.load_full();
        let profiles = snapshot.profiles.iter().map(reply).collect();
        Ok(Reply { profiles })
    })
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
