//! Times and spans of time as people read them. All are in UTC, which the page says once.

use jiff::Timestamp;
use maud::{Markup, html};

/// A time to the second; the whole of it for programs.
pub fn moment(time: Timestamp) -> Markup {
    html! { time datetime=(time) { (time.strftime("%Y-%m-%d %H:%M:%S").to_string()) } }
}

/// The same from its text.
pub fn moment_of(text: &str) -> Markup {
    match text.parse() {
        Ok(time) => moment(time),
        Err(_) => html! { (text) },
    }
}

/// How long it took from one time to another; nothing while one is missing.
pub fn between(from: Option<&str>, to: Option<&str>) -> Option<String> {
    let (from, to) = (from?.parse::<Timestamp>().ok()?, to?.parse::<Timestamp>().ok()?);
    Some(span(to.duration_since(from).as_secs()))
}

/// So many seconds in the two largest units.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (0, _, _) => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        let table = [(-1, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3_660, "1 h 01 min"), (90_000, "1 d 01 h")];
        for (seconds, expected) in table {
            assert_eq!(span(seconds), expected);
        }
    }
}
