//! `delete_scan`: removes a scan's record, findings and report.

use scanhost_app::scans::delete::{Args, delete};
use scanhost_config::Scope;

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = About {
        name: "delete_scan",
        title: "Delete a scan",
        description: "Removes a scan with its findings and its report from this server, for good. One \
            that waits is taken out of its queue; one that runs needs force: true and is stopped first. To end a scan and keep its record use cancel_scan. \
            Example: {\"task_id\": \"01K…\", \"force\": false}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        nature: Nature::Destroys,
        without: &[],
    };
    structured(about, |call, args: Args| async move { delete(&call.host, args).await })
}
