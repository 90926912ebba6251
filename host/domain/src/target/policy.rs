//! Which targets a pool may scan. A target that no rule allows is refused.

use std::fmt;

use super::{Extent, Rule, Target, Targets, problems::Problems, span, this_host::is_this_host};

/// A pool's rules. Denied beats allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPolicy {
    pub allowed: Vec<Rule>,
    pub denied: Vec<Rule>,
    pub max_addresses: u64,
}

/// The private and loopback ranges. Link-local addresses are left out, since cloud metadata is there.
const PRIVATE: [&str; 7] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128", "localhost"];

impl Default for TargetPolicy {
    fn default() -> Self {
        let allowed = PRIVATE.map(|rule| rule.parse().expect("the rules above are well formed"));
        Self { allowed: allowed.into(), denied: Vec::new(), max_addresses: 65_536 }
    }
}

/// Proof that a policy permits these targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    targets: Targets,
}

impl Permit {
    pub fn targets(&self) -> &Targets {
        &self.targets
    }
}

/// The targets that a policy refuses, each with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(Problems<Refused>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Denied { target: Target, rule: Rule },
    NotCovered { target: Target },
    TooManyAddresses { count: u128, limit: u64 },
}

impl TargetPolicy {
    /// Permits the targets if each lies within the union of the allowed rules and overlaps no denied one.
    pub fn permit(&self, targets: &Targets) -> Result<Permit, Refusal> {
        let allowed = span::merge(self.allowed.iter().flat_map(Rule::spans).copied().collect());
        let mut refused = Problems::default();
        for target in targets.iter() {
            let extent = target.extent();
            let denied_by = self.denying(&extent);
            let is_allowed = match extent {
                Extent::Addresses(span) => span::union_covers(&allowed, span),
                Extent::Name(_) => self.allowed.iter().any(|rule| rule.touches(&extent)),
            };
            match denied_by {
                Some(rule) => refused.push(Refused::Denied { target: target.clone(), rule: rule.clone() }),
                None if !is_allowed => refused.push(Refused::NotCovered { target: target.clone() }),
                None => {}
            }
        }
        let count = targets.count();
        if count > u128::from(self.max_addresses) {
            refused.push(Refused::TooManyAddresses { count, limit: self.max_addresses });
        }
        if refused.is_empty() { Ok(Permit { targets: targets.clone() }) } else { Err(Refusal(refused)) }
    }

    /// Whether it refuses every target, since nothing is allowed or all that is allowed is denied. It does not see that
    /// globs deny another glob, unless both are written alike or one is `*`.
    pub fn permits_nothing(&self) -> bool {
        let denied = span::merge(self.denied.iter().flat_map(Rule::spans).copied().collect());
        let are_addresses_denied =
            |rule: &Rule| rule.spans().iter().all(|allowed| span::union_covers(&denied, *allowed));
        let are_names_denied = |rule: &Rule| match rule.names() {
            None => true,
            Some(glob) => {
                self.denied.iter().any(|denied| denied.covers_glob(glob))
                    || glob.parse::<Target>().is_ok_and(|name| self.denying(&name.extent()).is_some())
            }
        };
        self.allowed.iter().all(|rule| are_addresses_denied(rule) && are_names_denied(rule))
    }

    /// The first rule that denies some of the extent.
    fn denying(&self, extent: &Extent<'_>) -> Option<&Rule> {
        // A target that reaches loopback under another name must not get past a rule that denies loopback.
        let is_this_host = is_this_host(extent);
        self.denied.iter().find(|rule| rule.touches(extent) || (is_this_host && rule.touches_loopback()))
    }
}

impl Refusal {
    /// The first refused targets; if there are very many, the last ones are left out.
    pub fn refused(&self) -> impl Iterator<Item = &Refused> {
        self.0.iter()
    }

    /// What the caller or the operator can do about the refusal.
    pub fn hint(&self) -> String {
        let mut hints: Vec<&str> = Vec::new();
        for refused in self.refused() {
            let hint = refused.hint();
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        hints.join("; ")
    }
}

impl Refused {
    fn hint(&self) -> &'static str {
        match self {
            Self::Denied { .. } => {
                "leave the target out, or ask the operator to remove the rule from the pool's denied_targets"
            }
            Self::NotCovered { target: Target::Name(_) } => {
                "give an address, or ask the operator to add the name or a glob that matches it to the pool's \
                    allowed_targets"
            }
            Self::NotCovered { .. } => {
                "ask the operator to add the address or its network to the pool's allowed_targets"
            }
            Self::TooManyAddresses { .. } => "split the scan, or ask the operator to raise the pool's max_addresses",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { target, rule } => write!(f, "{target} is refused by denied_targets: {rule}"),
            Self::NotCovered { target } => write!(f, "{target} is refused: no rule of allowed_targets covers it"),
            Self::TooManyAddresses { count, limit } => {
                write!(f, "{count} addresses are more than the {limit} that max_addresses allows")
            }
        }
    }
}
