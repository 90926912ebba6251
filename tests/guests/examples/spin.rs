//! A backend whose `status` computes without end.

use guests::{Backend, Guest};
use scanhost_sdk::backend::scanner::RemoteState;

struct Spin;

impl Guest for Spin {
    const NAME: &'static str = "spin";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        let mut rounds = 0_u64;
        loop {
            rounds = std::hint::black_box(rounds.wrapping_add(1));
        }
    }
}

type Component = Backend<Spin>;
scanhost_sdk::export_backend!(Component);
