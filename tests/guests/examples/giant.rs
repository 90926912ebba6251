//! A backend whose `status` returns a state of a gigabyte, or of as much memory as it can get.

use guests::{Backend, Guest};
use scanhost_sdk::backend::scanner::RemoteState;

struct Giant;

impl Guest for Giant {
    const NAME: &'static str = "giant";

    fn status(state: &mut Vec<u8>) -> RemoteState {
        const GIGABYTE: usize = 1 << 30;
        let mut size = GIGABYTE;
        while state.try_reserve_exact(size).is_err() {
            size /= 2;
        }
        state.resize(size, b'x');
        RemoteState::Running(1)
    }
}

type Component = Backend<Giant>;
scanhost_sdk::export_backend!(Component);
