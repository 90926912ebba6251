//! Text that others wrote, made safe to look at: characters that are invisible or change how others appear are shown as
//! code points. It is for people and prompts only; data stays as it is.

#[cfg(test)]
mod tests;

/// The text with its control, bidirectional and invisible characters spelled out.
pub fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if is_hidden(c) { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// The text of a JSON document with such characters as JSON escapes, so that its meaning does not change.
pub fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            let mut units = [0; 2];
            shown.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether the character is invisible, or makes others appear in another place.
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c,
            // Direction.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Characters without width, and those that some programs take for the end of a line.
            | '\u{00ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags, an invisible copy of ASCII.
            | '\u{e0000}'..='\u{e007f}')
}
