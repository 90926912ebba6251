//! Results as JSON lines, over MCP and on the command line: the schema, the pages, the byte budget, profiles, filters.

mod budget;
mod command_line;
mod damaged;
mod fields;
mod filters;
mod groups;
mod lines;
mod pages;
mod profiles;
mod refused;
mod reported;
