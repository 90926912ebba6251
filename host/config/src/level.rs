//! Checks a log level: one level, or levels per target, in the form of tracing's filters.

#[cfg(test)]
mod tests;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Checks that the text is a level. A word alone, which tracing takes for a target, is meant as a level: as a target it
/// would silence all others.
///
/// # Errors
/// The error says what is wrong.
pub fn check_level(text: &str) -> Result<(), String> {
    let is_word = |part: &&str| !part.is_empty() && !part.contains(['=', '[']);
    let is_no_level = |word: &&str| word.parse::<LevelFilter>().is_err();
    if let Some(word) = text.split(',').map(str::trim).filter(is_word).find(is_no_level) {
        return Err(format!("`{word}` is not a level: use error, warn, info, debug, trace, off or target=level"));
    }
    EnvFilter::try_new(text).map(drop).map_err(|error| error.to_string())
}
