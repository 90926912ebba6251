//! `run_trusted_scan`: with an SSH login.

use scanhost_app::submit::{CONFIRM_ARGUMENT, ESCALATION_ARGUMENTS, SubmitArgs};
use scanhost_config::Scope;
use scanhost_domain::request::ScanType;

use super::{
    effect::Effect,
    submission::run,
    tool::{Row, ToolInfo, answering},
    toolset::Toolset,
};

const NAME: &str = "run_trusted_scan";

pub fn row() -> Row {
    let about = ToolInfo {
        name: NAME,
        title: "Run a scan with an SSH login",
        description: "Submits a vulnerability scan that logs in to the targets by SSH, and so also finds missing \
            patches and local weaknesses. Use it when you have a login without administrator rights: name a \
            configured `credential`, or give ssh_username with ssh_password or ssh_private_key. Returns a task_id \
            at once; then use wait_for_scan. The status later shows whether the login worked \
            (authentication_status). For checks that need root, use run_privileged_scan. Example: {\"targets\": \
            \"10.0.0.5\", \"name\": \"web server\", \"credential\": \"linux-audit\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        effect: Effect::Scans,
        without: &[CONFIRM_ARGUMENT, ESCALATION_ARGUMENTS],
    };
    answering(about, |call, args: SubmitArgs| run(call, NAME, ScanType::Trusted, args))
}
