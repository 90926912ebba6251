//! Sends requests without end when it is asked for the status, and does not care what comes of them.

use guests::{Backend, Guest};
use scanhost_sdk::backend::{
    http::{self, Method, Request},
    scanner::RemoteState,
};

struct Eager;

impl Guest for Eager {
    const NAME: &'static str = "eager";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        let request = Request { method: Method::Get, path: "/".to_owned(), headers: Vec::new(), body: None };
        loop {
            let _ = http::send(&request);
        }
    }
}

type Component = Backend<Eager>;
scanhost_sdk::export_backend!(Component);
