//! The parts that the tests of the whole host share: the binary as a child process, and clients that speak to it.

pub mod delaying_proxy;
pub mod event_stream;
pub mod guests;
pub mod http_response;
pub mod mcp;
pub mod output;
pub mod page_client;
pub mod program;
pub mod redis;
pub mod scans;
pub mod schema;
pub mod scrape;
pub mod server;
pub mod session;
pub mod stdio_client;
pub mod testbed;
pub mod third_party;
