//! Who is let in: tokens and their scopes, origins, hosts, and requests that are no MCP.

mod browsers;
mod scopes;
mod start;
mod strange_requests;
mod two_eras;
