//! Scans with nmap, a program on the host's machine: the real nmap against services on loopback, and scripts in its
//! place that misbehave.

mod comparison;
mod failures;
mod fake_nmap;
mod grants;
mod process_cleanup;
mod real_nmap;
mod targets;
