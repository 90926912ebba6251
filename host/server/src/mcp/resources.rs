//! Resources: what can be read by address. Each shows what a tool shows, so that both say the same.

mod catalogue;
mod content;

pub use catalogue::{list, templates};
pub use content::{read, state};
