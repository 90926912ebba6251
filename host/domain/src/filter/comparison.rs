//! The comparison operators of ordered fields.

use std::{cmp::Ordering, str::FromStr};

use super::error::Reason;
use crate::{finding::Severity, target::Quoted};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// An operator and its operand. Without an operator it is equality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comparison<T> {
    operator: Operator,
    pub(super) operand: T,
}

/// Longer ones first, since `>` begins `>=` too.
const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Equal),
];

impl<T> Comparison<T> {
    /// `operand` parses the text after the operator, without blanks around it.
    pub(super) fn parse(text: &str, operand: impl FnOnce(&str) -> Result<T, Reason>) -> Result<Self, Reason> {
        let text = text.trim();
        let with_operator = |(symbol, operator)| text.strip_prefix(symbol).map(|rest: &str| (operator, rest));
        let (operator, rest) = OPERATORS.into_iter().find_map(with_operator).unwrap_or((Operator::Equal, text));
        operand(rest.trim()).map(|operand| Self { operator, operand })
    }

    /// Whether the comparison holds for a value with this ordering relative to the operand.
    pub(super) fn holds(&self, ordering: Ordering) -> bool {
        match self.operator {
            Operator::Less => ordering.is_lt(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Equal => ordering.is_eq(),
            Operator::GreaterOrEqual => ordering.is_ge(),
            Operator::Greater => ordering.is_gt(),
        }
    }
}

pub(super) fn severity(text: &str) -> Result<Severity, Reason> {
    // A level may arrive as 4.0 from a client that knows floating point numbers only.
    let level =
        || f64::from_str(text).ok().and_then(|level| Severity::ALL.into_iter().find(|s| f64::from(s.level()) == level));
    text.parse().ok().or_else(level).ok_or_else(|| Reason::NotASeverity(Quoted::new(text)))
}
