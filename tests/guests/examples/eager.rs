//! A backend whose `status` sends requests without end and ignores their outcome.

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
