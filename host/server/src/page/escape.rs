//! Escapes text that others wrote: in a page it is never markup, and a hidden or misleading character is shown as a
//! mark.

use maud::{Markup, PreEscaped, Render, html};
use scanhost_domain::visible::{is_hidden, visible};

/// Text that is escaped when it is written into a page.
pub struct Escaped<'a>(pub &'a str);

impl Render for Escaped<'_> {
    fn render_to(&self, page: &mut String) {
        // Right-to-left letters must not change the direction of the text around them.
        let is_mixed = !self.0.is_ascii();
        page.push_str(if is_mixed { "<bdi>" } else { "" });
        let mut rest = self.0;
        while let Some(position) = rest.find(is_hidden) {
            let (plain, from) = rest.split_at(position);
            plain.render_to(page);
            let mut after = from.chars();
            match after.next() {
                // Scanners align columns with tabs. As a reference the tab survives `checked`.
                Some('\t') => page.push_str("&#9;"),
                Some(c) => mark(c).render_to(page),
                None => {}
            }
            rest = after.as_str();
        }
        rest.render_to(page);
        page.push_str(if is_mixed { "</bdi>" } else { "" });
    }
}

fn mark(c: char) -> Markup {
    html! { span.mark title="a hidden character" { (format_args!("U+{:04X}", u32::from(c))) } }
}

/// Escapes text for an attribute, where no element can mark a hidden character.
pub fn plain(text: &str) -> String {
    visible(text)
}

/// Makes hidden characters visible in the whole page once more, in case a text was not escaped.
pub fn checked(page: Markup) -> String {
    visible(&page.into_string())
}

/// A text that may have several lines.
pub fn block(text: &str) -> Markup {
    html! { div.text { (Escaped(text)) } }
}

/// A number with its thousands separated.
pub fn number(number: u64) -> Markup {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    PreEscaped(grouped)
}

#[cfg(test)]
mod tests;
