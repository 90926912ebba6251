//! Calls that are refused: each has an error code, a message that names the cause, and a hint that says what to do.

mod arguments;
mod names;
mod states;
mod test_host;
