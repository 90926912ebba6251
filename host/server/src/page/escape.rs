//! Text that others wrote, on its way into a page: never markup, and what would not be seen, or would make something
//! else be seen, as a mark.

use maud::{Markup, PreEscaped, Render, html};
use scanhost_domain::visible::{is_hidden, visible};

/// In the text of a page.
pub struct Told<'a>(pub &'a str);

impl Render for Told<'_> {
    fn render_to(&self, page: &mut String) {
        // Letters that are written from right to left stay among themselves.
        let is_mixed = !self.0.is_ascii();
        page.push_str(if is_mixed { "<bdi>" } else { "" });
        let mut rest = self.0;
        while let Some(place) = rest.find(is_hidden) {
            let (plain, from) = rest.split_at(place);
            plain.render_to(page);
            let mut after = from.chars();
            match after.next() {
                // Columns of a scanner's output; the whole page is made visible once more.
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
    html! { span.mark title="a character that is not seen" { (format_args!("U+{:04X}", u32::from(c))) } }
}

/// The same inside of an attribute, where nothing can be marked.
pub fn plain(text: &str) -> String {
    visible(text)
}

/// The whole page once more, so that nothing was forgotten: no page has a character that is not seen.
pub fn checked(page: Markup) -> String {
    visible(&page.into_string())
}

/// Text of several lines, as it was written.
pub fn block(text: &str) -> Markup {
    html! { div.text { (Told(text)) } }
}

/// A number with its thousands apart.
pub fn number(number: u64) -> Markup {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    PreEscaped(grouped)
}

#[cfg(test)]
mod tests;
