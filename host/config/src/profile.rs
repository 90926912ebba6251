//! Profiles without code: the built-in ones, and those of profiles.yaml.

use scanhost_domain::ids::ProfileName;

use super::{problem::Position, setting::Setting};

/// The built-in profiles, in the form of a profiles.yaml.
pub(super) const BUILT_IN: &str = "
minimal: {fields: [host, plugin_id, severity, cve, cvss_score, exploit_available]}
summary:
  fields: [host, plugin_id, severity, cve, cvss_score, exploit_available, plugin_name, cvss3_base_score, synopsis]
brief:
  fields: [host, plugin_id, severity, cve, cvss_score, exploit_available, plugin_name, cvss3_base_score, synopsis,
           description, solution]
full: {fields: all}
";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileDefinition {
    pub name: ProfileName,
    /// The definition for the profile's component, a JSON object.
    pub definition: String,
    /// The file that a problem with it names, and the position in it.
    pub file: &'static str,
    pub place: Option<Position>,
    is_sound: bool,
}

impl ProfileDefinition {
    /// Whether all of it could be read.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }
}

/// The definitions of one file. A definition for a component of the operator (`has_component`) has the keys that this
/// component wants.
pub(super) fn read_all(setting: &Setting<'_>, has_component: &dyn Fn(&str) -> bool) -> Option<Vec<ProfileDefinition>> {
    let read = |(name, profile): (Option<ProfileName>, Setting<'_>)| {
        if !name.as_ref().is_some_and(|name| has_component(name.as_str())) {
            check(&profile);
        }
        let (name, definition) = (name?, profile.json_object()?);
        let is_sound = !profile.has_problem();
        Some(ProfileDefinition { name, definition, file: profile.file, place: profile.place, is_sound })
    };
    Some(setting.named()?.into_iter().filter_map(read).collect())
}

/// The first definitions in their order, each replaced by one of the same name, then the others.
pub(super) fn replace(mut profiles: Vec<ProfileDefinition>, by: Vec<ProfileDefinition>) -> Vec<ProfileDefinition> {
    for profile in by {
        match profiles.iter_mut().find(|known| known.name == profile.name) {
            Some(known) => *known = profile,
            None => profiles.push(profile),
        }
    }
    profiles
}

/// Checks what can be checked without the component: the keys and their types.
fn check(profile: &Setting<'_>) {
    let mut fields = profile.fields();
    let wants = "is required (the entry of a plugin's profile must have the plugin's name as its key)";
    if let Some(shown) = fields.required_as("fields", wants)
        && !shown.is_text("all")
        && names(&shown).is_some_and(|names| names.is_empty())
    {
        shown.report("must be `all` or a list of at least one field");
    }
    if let Some(filters) = fields.get("filters") {
        filters.entries();
    }
    if let Some(group) = fields.get("group") {
        group.entries();
    }
    if let Some(order) = fields.get("order") {
        names(&order);
    }
    fields.finish();
}

fn names<'a>(setting: &Setting<'a>) -> Option<Vec<&'a str>> {
    setting.list_of(|name| name.text())
}
