//! Scans by a program of this machine: nmap itself against services on loopback, and programs in its place that
//! misbehave.

mod ends;
mod grants;
mod means;
mod real;
mod session;
mod targets;
mod troubles;
