//! Calls itself without end when it is asked for the status.

use std::hint::black_box;

use guests::{Backend, Guest};
use scanhost_sdk::backend::scanner::RemoteState;

struct Deep;

impl Guest for Deep {
    const NAME: &'static str = "deep";

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        RemoteState::Running(descend(0))
    }
}

#[expect(unconditional_recursion, reason = "this is what it is for")]
fn descend(depth: u8) -> u8 {
    // What comes after the call keeps it from becoming a loop.
    black_box(descend(black_box(depth.wrapping_add(1)))).wrapping_add(depth)
}

type Component = Backend<Deep>;
scanhost_sdk::export_backend!(Component);
