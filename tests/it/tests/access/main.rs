//! Access to the server over HTTP: tokens, scopes, call limits, origins, host names, connections, malformed requests,
//! TLS, and the audit log.

mod audit;
mod call_limits;
mod connections;
mod malformed_requests;
mod origins;
mod protocol_versions;
mod reload;
mod scopes;
mod start;
mod tls;
