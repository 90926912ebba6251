//! Whole scans of a Nessus over MCP, against a fake that behaves as the API of Nessus does.

mod authentication;
mod cancel_and_delete;
mod credentials;
mod orphans;
mod permanent_failures;
mod repeated_faults;
mod reports;
mod scans;
mod secrecy;
mod secrets_in_redis;
mod traces;
mod transient_faults;
