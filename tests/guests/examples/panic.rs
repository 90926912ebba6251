//! A backend whose `status` panics.

use guests::{Backend, Guest};
use scanhost_sdk::backend::scanner::RemoteState;

struct Panic;

impl Guest for Panic {
    const NAME: &'static str = "panic";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        panic!("as always")
    }
}

type Component = Backend<Panic>;
scanhost_sdk::export_backend!(Component);
