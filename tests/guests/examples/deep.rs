//! A backend whose `status` recurses without end.

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

#[expect(unconditional_recursion, reason = "this guest exists to overflow its stack")]
fn descend(depth: u8) -> u8 {
    // The addition after the call keeps the compiler from turning the recursion into a loop.
    black_box(descend(black_box(depth.wrapping_add(1)))).wrapping_add(depth)
}

type Component = Backend<Deep>;
scanhost_sdk::export_backend!(Component);
