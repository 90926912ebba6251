//! The way from a plugin to its scanner: the only place that talks to scanners.
//! The host adds the address, TLS and the login; the plugin gives a relative path and never sees a secret.

mod address;
mod answer;
mod client;
mod pin;
mod request;
mod secrets;
mod session;

#[cfg(test)]
mod tests;

pub use client::ScannerClient;
pub use request::{address, permit};
pub use secrets::Placeholders;
