//! Who is let in, and how much of each: tokens, scopes, shares, origins, hosts, connections, requests that are no MCP,
//! and what the audit log has of it.

mod audit;
mod browsers;
mod connections;
mod reloaded;
mod scopes;
mod shares;
mod start;
mod strange_requests;
mod tls;
mod two_eras;
