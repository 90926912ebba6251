//! `run_privileged_scan`: with an SSH login and a way to more rights.

use scanhost_domain::request::ScanType;

use super::{
    submission::run,
    tool::{About, Nature, Row, structured},
    toolset::Toolset,
};
use crate::{config::Scope, submit::SubmitArgs};

const NAME: &str = "run_privileged_scan";

pub fn row() -> Row {
    let about = About {
        name: NAME,
        title: "Run a scan with administrator rights",
        description: "Submits a vulnerability scan that logs in by SSH and then becomes an administrator (sudo, su and \
            others), for the most complete results and for compliance checks. Use it only where that is wanted: name a \
            configured `credential`, or give ssh_username with a secret and elevate_privileges_with. Answers at once \
            with a task_id; follow it with wait_for_scan. Where a plain login will do, use run_trusted_scan. \
            Example: {\"targets\": \"10.0.0.5\", \"name\": \"audit\", \"credential\": \"linux-audit\", \"elevate_privileges_with\": \"sudo\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        nature: Nature::Scans,
        without: &[],
    };
    structured(about, |call, args: SubmitArgs| run(call, NAME, ScanType::Privileged, args))
}
