//! The ways out of the host: HTTP to scanners, and programs of this machine. Only this crate sends requests to scanners or
//! starts processes. It keeps the logins, fills in secrets on the way out and strikes them from what comes back. It
//! knows nothing of queues, states or findings. Begin with [`egress`].

pub mod command;
pub mod egress;
pub mod lease;
pub mod trace_context;
