//! Which targets a pool may scan. What no rule allows is refused.

use std::fmt;

use super::{Place, Rule, Target, Targets, problems::Problems, span, this_host::is_this_host};

/// A pool's rules. Denied beats allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPolicy {
    pub allowed: Vec<Rule>,
    pub denied: Vec<Rule>,
    pub max_addresses: u64,
}

/// Private and loopback. Link-local addresses are not among them: cloud metadata is there.
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

/// The targets that a policy refuses, each with the rule.
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
    /// Permits targets each of which lies in what the allowed rules cover together, and touches no denied one.
    pub fn permit(&self, targets: &Targets) -> Result<Permit, Refusal> {
        let allowed = span::merge(self.allowed.iter().flat_map(Rule::spans).copied().collect());
        let mut refused = Problems::default();
        for target in targets.iter() {
            let place = target.place();
            // What reaches loopback under another name must not get past a rule that denies loopback.
            let is_this_host = is_this_host(&place);
            let denies = |rule: &&Rule| rule.touches(&place) || (is_this_host && rule.touches_loopback());
            let denied_by = self.denied.iter().find(denies);
            let is_allowed = match place {
                Place::Addresses(span) => span::union_covers(&allowed, span),
                Place::Name(_) => self.allowed.iter().any(|rule| rule.touches(&place)),
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
}

impl Refusal {
    /// The first refused targets, and of very many not the last.
    pub fn refused(&self) -> impl Iterator<Item = &Refused> {
        self.0.iter()
    }

    /// What an operator would change.
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
                "leave the target out, or have the operator take the rule from the pool's denied_targets"
            }
            Self::NotCovered { target: Target::Name(_) } => {
                "give an address, or have the operator add the name or a glob of it to the pool's allowed_targets"
            }
            Self::NotCovered { .. } => "have the operator add the address or its network to the pool's allowed_targets",
            Self::TooManyAddresses { .. } => "split the scan, or have the operator raise the pool's max_addresses",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { target, rule } => write!(f, "{target} is refused by denied_targets: {rule}"),
            Self::NotCovered { target } => write!(f, "{target} is refused: no rule of allowed_targets covers it"),
            Self::TooManyAddresses { count, limit } => {
                write!(f, "{count} addresses are refused by max_addresses: {limit}")
            }
        }
    }
}
