//! What can be asked about pools: one file for each use case, with its arguments and its reply.

pub mod list;
pub mod pause;
pub mod queue;
pub mod status;
