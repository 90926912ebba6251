//! The argument of use cases that are about one scan.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
pub struct ScanArgs {
    /// id of the scan, from run_…_scan or list_scans
    pub task_id: String,
}
