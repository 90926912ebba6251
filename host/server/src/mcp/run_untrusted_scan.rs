//! `run_untrusted_scan`: from the network only.

use scanhost_app::submit::{CONFIRM_ARGUMENT, ESCALATION_ARGUMENTS, LOGIN_ARGUMENTS, SubmitArgs};
use scanhost_config::Scope;
use scanhost_domain::request::ScanType;

use super::{
    effect::Effect,
    submission::run,
    tool::{Row, ToolInfo, answering},
    toolset::Toolset,
};

const NAME: &str = "run_untrusted_scan";

pub fn row() -> Row {
    let about = ToolInfo {
        name: NAME,
        title: "Run a network scan",
        description: "Submits a vulnerability scan that sees targets from the network only, without a login. Use it \
            when you have no credentials for the targets. Returns a task_id at once; the scan itself takes minutes to \
            hours: wait_for_scan or get_scan_status shows when it has ended, and get_scan_results shows what it \
            found. For deeper results with an SSH login, use run_trusted_scan. Example: {\"targets\": \"10.0.0.0/24, \
            10.0.1.5\", \"name\": \"office network\", \"idempotency_key\": \"office-2026-11\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        effect: Effect::Scans,
        without: &[CONFIRM_ARGUMENT, LOGIN_ARGUMENTS, ESCALATION_ARGUMENTS],
    };
    answering(about, |call, args: SubmitArgs| run(call, NAME, ScanType::Untrusted, args))
}
