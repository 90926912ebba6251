//! The policy of a pool: which targets its scanners may scan.

use scanhost_domain::target::{Rule, TargetPolicy};

use super::{fields::Fields, setting::Setting};

pub(super) fn policy(fields: &mut Fields<'_>) -> TargetPolicy {
    let default = TargetPolicy::default();
    let (allowed_given, denied_given) = (fields.get("allowed_targets"), fields.get("denied_targets"));
    let allowed = allowed_given.as_ref().and_then(|list| list.list_of(|rule| allowed_rule(&rule)));
    let denied = denied_given.as_ref().and_then(|list| list.list_of(|rule| rule.parse()));
    let max_addresses = fields.or("max_addresses", default.max_addresses, |most| most.whole(1..=4_294_967_296));
    let policy = TargetPolicy {
        allowed: allowed.unwrap_or(default.allowed),
        denied: denied.unwrap_or(default.denied),
        max_addresses,
    };
    let has_problem = ["allowed_targets", "denied_targets"].into_iter().any(|key| fields.has_problem_in(key));
    if !has_problem && policy.permits_nothing() {
        warn_of_refusing_all(&policy, allowed_given.as_ref(), denied_given.as_ref());
    }
    policy
}

fn allowed_rule(setting: &Setting<'_>) -> Option<Rule> {
    let rule: Rule = setting.parse()?;
    if rule.covers_all_addresses() {
        setting.warn(format!(
            "{rule} lets the pool scan every address, also on the internet: list the networks that may be scanned"
        ));
    }
    Some(rule)
}

fn warn_of_refusing_all(policy: &TargetPolicy, allowed: Option<&Setting<'_>>, denied: Option<&Setting<'_>>) {
    match (allowed, denied) {
        (Some(allowed), _) if policy.allowed.is_empty() => allowed.warn(
            "no target is allowed, so the pool refuses every scan: list what may be scanned, or leave the key out to \
             allow private and loopback ranges",
        ),
        (_, Some(denied)) => denied.warn(
            "everything that the pool allows is denied here, so the pool refuses every scan: remove a rule, or allow \
             more in allowed_targets",
        ),
        // The default allows something, and denies nothing.
        (_, None) => {}
    }
}
