//! `list_profiles`: how results can be shown.

use scanhost_app::profile_list::{Args, list};
use scanhost_config::Scope;

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

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
    structured(about, |call, Args {}| async move { list(&call.host).await })
}
