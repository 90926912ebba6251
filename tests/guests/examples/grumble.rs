//! A backend whose `status` writes to standard error without end.

use guests::{Backend, Guest};
use scanhost_sdk::backend::scanner::RemoteState;

struct Grumble;

impl Guest for Grumble {
    const NAME: &'static str = "grumble";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        loop {
            eprintln!("\u{1b}[31mand another thing: nobody listens to this scanner, and somebody really should");
        }
    }
}

type Component = Backend<Grumble>;
scanhost_sdk::export_backend!(Component);
