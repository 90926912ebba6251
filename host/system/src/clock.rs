//! The only clock: what decides is given the time.

use jiff::Timestamp;

pub fn now() -> Timestamp {
    Timestamp::now()
}
