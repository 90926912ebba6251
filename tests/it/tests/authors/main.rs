//! The commands for those who write plugins, and for those who are about to load one.

mod check;
mod component;
mod inspect;
mod kit;
mod scaffold;
mod worlds;
