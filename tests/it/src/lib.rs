//! What the tests of the whole host share: its binary as a child process, and a client that speaks MCP to it.

pub mod guests;
pub mod installed;
pub mod lab;
pub mod mcp;
pub mod output;
pub mod pipe;
pub mod program;
pub mod raw;
pub mod redis;
pub mod schema;
pub mod scrape;
pub mod server;
pub mod session;
pub mod slow_way;
pub mod stream;
pub mod visitor;
