//! Results as JSON lines, over MCP and on the command line: schema, pages, byte budget, profiles, filters, and groups.

mod budget;
mod completed_scan;
mod damaged_findings;
mod fields;
mod filters;
mod groups;
mod invalid_arguments;
mod lines;
mod pages;
mod profiles;
mod report_command;
