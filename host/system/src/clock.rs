//! The only clock. Functions that decide get the time as an argument.

use jiff::Timestamp;

pub fn now() -> Timestamp {
    Timestamp::now()
}
