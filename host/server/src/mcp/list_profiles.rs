//! `list_profiles`: how results can be shown.

use scanhost_app::profile_list::{Args, list};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "list_profiles",
        title: "List result profiles",
        description: "Lists the profiles in which get_scan_results can show findings, with their fields and \
            standing filters. Use it to choose a schema_profile. `full` has every field of the report; filters and \
            custom_fields can use any of them. The error for a misspelt field lists the names that exist. Example: \
            {}",
        toolset: Toolset::Results,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    structured(about, |call, Args {}| async move { list(&call.host).await })
}
