//! The commands `scanhost plugin …` for authors and operators: new, inspect, check, and test.

mod check;
mod conformance_kit;
mod inspect;
mod plugin_file;
mod scaffold;
mod stderr_of_crashes;
mod worlds;
