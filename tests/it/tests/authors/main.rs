//! The commands for those who write plugins, and for those who are about to load one.

mod check;
mod component;
mod inspect;
mod kit;
mod last_words;
mod scaffold;
mod worlds;
