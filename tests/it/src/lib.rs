//! What the tests of the whole host share.

pub mod guests;
