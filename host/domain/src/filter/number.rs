//! Numbers to compare with. Whole numbers keep all their digits.

use std::cmp::Ordering;

use super::error::Reason;
use crate::target::Quoted;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    /// Finite.
    Floating(f64),
}

impl Number {
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        if let Ok(whole) = text.parse() {
            return Ok(Self::Whole(whole));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Self::Floating(number)),
            Ok(_) => Err(Reason::NotFinite(Quoted::new(text))),
            Err(_) => Err(Reason::NotANumber(Quoted::new(text))),
        }
    }

    /// Compares an integer field's value with it, exactly.
    pub(super) fn order_of_integer(self, value: i64) -> Ordering {
        match self {
            Self::Whole(whole) => i128::from(value).cmp(&whole),
            Self::Floating(number) => order(value, number),
        }
    }

    /// Compares a number field's value with it. A whole operand is rounded as the value was when it was read, so that
    /// equal digits are equal numbers. `None` for a value that is not a number.
    pub(super) fn order_of_number(self, value: f64) -> Option<Ordering> {
        match self {
            Self::Whole(whole) => value.partial_cmp(&(whole as f64)),
            Self::Floating(number) => value.partial_cmp(&number),
        }
    }
}

/// Rounding the integer would make 2⁵³ + 1 equal to 2⁵³. The whole part of a float of that range is exact.
fn order(integer: i64, number: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if number >= BEYOND {
        Ordering::Less
    } else if number < -BEYOND {
        Ordering::Greater
    } else {
        let whole = number.trunc();
        integer.cmp(&(whole as i64)).then(if number > whole {
            Ordering::Less
        } else if number < whole {
            Ordering::Greater
        } else {
            Ordering::Equal
        })
    }
}
