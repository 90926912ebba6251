//! The plugins in use, which generation each is, and what became of the last change of the configuration.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::{
    board::Present,
    escape::Told,
    state::{light, neutral},
    table::{
        Column::{Number, Text},
        table,
    },
    time::moment,
};

/// The part of the overview.
pub fn part(present: &Present) -> Markup {
    let reload = &present.reload;
    html! {
        section #plugins aria-labelledby="plugins-title" {
            h2 #plugins-title { "Configuration and plugins" }
            @if reload.problems.is_empty() {
                p.hint { "Generation " (present.generation) " of the configuration is in use since " (moment(reload.at)) "." }
            } @else {
                div.callout.bad {
                    p { strong { "What the files say since " (moment(reload.at)) " cannot be used." } }
                    ul { @for problem in &reload.problems { li { (Told(&problem.to_string())) } } }
                    p {
                        "Generation " (present.generation) " stays in use. Mended files are taken by themselves; "
                        code { "scanhost config check" } " looks at them before."
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
            td.lead data-label="Plugin" { strong { (Told(text("name"))) } }
            td.plain data-label="Kind" { (text("kind")) }
            td.plain data-label="State" {
                @match state {
                    "active" => (light(true, state)),
                    "draining" => (neutral(state)),
                    other => (light(false, other)),
                }
                @if let Some(why) = plugin["why"].as_str() { " " span.hint { (Told(why)) } }
            }
            td data-label="Version" { (Told(text("version"))) }
            td.number data-label="Generation" { @if let Some(generation) = plugin["generation"].as_u64() { (generation) } }
            td data-label="SHA-256" {
                @if let Some(start) = digest.get(..12) { code.digest title=(digest) { (start) } }
            }
        }
    }
}
