//! The plugins in use with their generations, and the outcome of the last reload of the configuration.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::{
    board::Present,
    escape::Escaped,
    state::{bad, good, neutral},
    table::{
        Column::{Number, Text},
        table,
    },
    time::timestamp,
};

/// The part of the overview about plugins.
pub fn part(present: &Present) -> Markup {
    let reload = &present.reload;
    html! {
        section #plugins aria-labelledby="plugins-title" {
            h2 #plugins-title { "Configuration and plugins" }
            @if reload.problems.is_empty() {
                p.hint { "Generation " (present.generation) " of the configuration is in use since " (timestamp(reload.at)) "." }
            } @else {
                div.callout.bad {
                    p { strong { "The configuration could not be reloaded at " (timestamp(reload.at)) "." } }
                    ul { @for problem in &reload.problems { li { (Escaped(&problem.to_string())) } } }
                    p {
                        "Generation " (present.generation) " stays in use. Corrected files are loaded automatically; "
                        code { "scanhost config check" } " checks them first."
                    }
                }
            }
            (table(
                &[Text("Plugin"), Text("Kind"), Text("State"), Text("Version"), Number("Generation"), Text("SHA-256")],
                html! { @for plugin in present.plugins.as_array().into_iter().flatten() { (row(plugin)) } },
            ))
        }
    }
}

fn row(plugin: &Json) -> Markup {
    let text = |name: &str| plugin[name].as_str().unwrap_or_default();
    let (state, digest) = (text("state"), text("sha256"));
    html! {
        tr {
            td.lead data-label="Plugin" { strong { (Escaped(text("name"))) } }
            td.plain data-label="Kind" { (text("kind")) }
            td.plain data-label="State" {
                @match state {
                    "active" => (good(state)),
                    "draining" => (neutral(state)),
                    other => (bad(other)),
                }
                @if let Some(why) = plugin["why"].as_str() { " " span.hint { (Escaped(why)) } }
            }
            td data-label="Version" { (Escaped(text("version"))) }
            td.number data-label="Generation" { @if let Some(generation) = plugin["generation"].as_u64() { (generation) } }
            td data-label="SHA-256" {
                @if let Some(start) = digest.get(..12) { code.digest title=(digest) { (start) } }
            }
        }
    }
}
