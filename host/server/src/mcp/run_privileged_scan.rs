//! `run_privileged_scan`: with an SSH login and a way to more rights.

use scanhost_app::submit::{CONFIRM_ARGUMENT, SubmitArgs};
use scanhost_config::Scope;
use scanhost_domain::request::ScanType;

use super::{
    confirm::{Consent, consent},
    effect::Effect,
    submission::run,
    tool::{Row, ToolAnswer, ToolInfo, answering},
    toolset::Toolset,
};

const NAME: &str = "run_privileged_scan";

/// `confirms` says whether a person has to agree.
pub fn row(confirms: bool) -> Row {
    let about = ToolInfo {
        name: NAME,
        title: "Run a scan with administrator rights",
        description: "Submits a vulnerability scan that logs in by SSH and then becomes an administrator (sudo, su \
            and others), for the most complete results and for compliance checks. Use it only if the person you work \
            for wants that: name a configured `credential`, or give ssh_username with a secret and \
            elevate_privileges_with. Returns a task_id at once; then use wait_for_scan. If a plain login is enough, \
            use run_trusted_scan. Example: {\"targets\": \"10.0.0.5\", \"name\": \"audit\", \"credential\": \
            \"linux-audit\", \"elevate_privileges_with\": \"sudo\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        effect: Effect::Scans,
        without: if confirms { &[] } else { &[CONFIRM_ARGUMENT] },
    };
    answering(about, |mut call, args: SubmitArgs| async move {
        match consent(&call, &args).await? {
            Consent::Given => {}
            Consent::GivenOnce(key) if args.idempotency_key.is_none() && call.caller.idempotency_keys.is_empty() => {
                call.caller.idempotency_keys.push(key);
            }
            // The agent's own key sees to it already.
            Consent::GivenOnce(_) => {}
            Consent::Ask(question) => return Ok(ToolAnswer::Ask(question)),
        }
        run(call, NAME, ScanType::Privileged, args).await
    })
}
