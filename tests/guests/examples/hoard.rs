//! A backend whose `status` allocates memory without end.

use guests::{Backend, Guest};
use scanhost_sdk::backend::scanner::RemoteState;

struct Hoard;

impl Guest for Hoard {
    const NAME: &'static str = "hoard";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        let mut allocated = Vec::new();
        loop {
            allocated.push(std::hint::black_box(vec![1_u8; 1024 * 1024]));
        }
    }
}

type Component = Backend<Hoard>;
scanhost_sdk::export_backend!(Component);
