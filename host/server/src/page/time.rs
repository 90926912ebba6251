//! Times and durations as people read them. All times are in UTC, which the page says once.

use jiff::Timestamp;
use maud::{Markup, html};

/// A time to the second, with the exact time for programs in an attribute.
pub fn timestamp(time: Timestamp) -> Markup {
    html! { time datetime=(time) { (time.strftime("%Y-%m-%d %H:%M:%S").to_string()) } }
}

/// Shows a time that comes as text; other text is shown as it is.
pub fn parsed_timestamp(text: &str) -> Markup {
    match text.parse() {
        Ok(time) => timestamp(time),
        Err(_) => html! { (text) },
    }
}

/// The duration between two times, if both are known.
pub fn between(from: Option<&str>, to: Option<&str>) -> Option<String> {
    let (from, to) = (from?.parse::<Timestamp>().ok()?, to?.parse::<Timestamp>().ok()?);
    Some(duration(to.duration_since(from).as_secs()))
}

/// A number of seconds in its two largest units.
pub fn duration(seconds: i64) -> String {
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
    fn durations_have_two_units() {
        let table = [(-1, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3_660, "1 h 01 min"), (90_000, "1 d 01 h")];
        for (seconds, expected) in table {
            assert_eq!(duration(seconds), expected);
        }
    }
}
