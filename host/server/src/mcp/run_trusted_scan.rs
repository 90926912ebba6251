//! `run_trusted_scan`: with an SSH login.

use scanhost_app::submit::{CONFIRM_ARGUMENT, ESCALATION_ARGUMENTS, SubmitArgs};
use scanhost_config::Scope;
use scanhost_domain::request::ScanType;

use super::{
    nature::Nature,
    submission::run,
    tool::{About, Row, answering},
    toolset::Toolset,
};

const NAME: &str = "run_trusted_scan";

pub fn row() -> Row {
    let about = About {
        name: NAME,
        title: "Run a scan with an SSH login",
        description: "Submits a vulnerability scan that logs in to the targets by SSH, and so finds missing patches \
            and local weaknesses too. Use it when you have a login without administrator rights: name a configured \
            `credential`, or give ssh_username with ssh_password or ssh_private_key. Answers at once with a task_id; \
            follow it with wait_for_scan. The status tells later whether the login worked (authentication_status). \
            For checks that need root use run_privileged_scan. \
            Example: {\"targets\": \"10.0.0.5\", \"name\": \"web server\", \"credential\": \"linux-audit\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        nature: Nature::Scans,
        without: &[CONFIRM_ARGUMENT, ESCALATION_ARGUMENTS],
    };
    answering(about, |call, args: SubmitArgs| run(call, NAME, ScanType::Trusted, args))
}
