//! A backend whose `status` logs without end.

use guests::{Backend, Guest};
use scanhost_sdk::backend::{
    log::{Level, write},
    scanner::RemoteState,
};

struct Chatty;

impl Guest for Chatty {
    const NAME: &'static str = "chatty";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        loop {
            write(Level::Error, "and another thing: this scanner has a lot to say and will not be stopped by anyone");
        }
    }
}

type Component = Backend<Chatty>;
scanhost_sdk::export_backend!(Component);
