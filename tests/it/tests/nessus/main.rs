//! Whole scans of a Nessus over MCP, against a server that behaves as its API does.

mod authentication;
mod credentials;
mod orphans;
mod reports;
mod scans;
mod secrecy;
mod secrets_in_redis;
mod stopping;
mod stubborn;
mod traces;
mod troubles;
mod unsuitable;
