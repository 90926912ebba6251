//! The policy of a pool: which targets its scanners may scan.

use scanhost_domain::target::TargetPolicy;

use super::fields::Fields;

pub(super) fn policy(fields: &mut Fields<'_>) -> TargetPolicy {
    let default = TargetPolicy::default();
    let allowed = fields.or("allowed_targets", default.allowed, |list| list.list_of(|rule| rule.parse()));
    let denied = fields.or("denied_targets", default.denied, |list| list.list_of(|rule| rule.parse()));
    let max_addresses = fields.or("max_addresses", default.max_addresses, |most| most.whole(1..=4_294_967_296));
    TargetPolicy { allowed, denied, max_addresses }
}
