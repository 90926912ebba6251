//! The ways out of the host: HTTP to scanners, and programs of this machine. Only this crate sends a request to a scanner
//! or starts a process. It holds the logins, fills in secrets on the way out and strikes them from what comes back; it
//! knows nothing of queues, states or findings. Begin with [`egress`].

pub mod command;
pub mod egress;
pub mod lease;
pub mod trace_context;
