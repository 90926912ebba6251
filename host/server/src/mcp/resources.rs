//! Resources, which are read by address. Each has the same content as the answer of a tool.

mod catalogue;
mod content;

pub use catalogue::{list, templates};
pub use content::{read, state};
