//! Every row of the error table: what is refused, under which code, and what the hint says to do.

mod arguments;
mod names;
mod states;
mod tool_box;
