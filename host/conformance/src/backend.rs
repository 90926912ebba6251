//! The cases of a backend. Without a script they check how it handles a failing scanner; with one, whether it speaks its
//! scanner's dialect.

mod description;
mod input;
mod life;
mod program;
mod reading;
mod trouble;

use super::{Case, rig::Rig};

pub fn cases() -> Vec<Case<Rig>> {
    [description::cases(), life::cases(), trouble::cases(), program::cases(), input::cases(), reading::cases()]
        .into_iter()
        .flatten()
        .collect()
}
