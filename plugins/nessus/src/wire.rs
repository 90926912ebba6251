//! JSON as Nessus really writes and reads it, which is not always as documented: null for an empty list, numbers as
//! text. Everything is read into types: maps with unknown keys would make the component import randomness for hashing.

use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

/// The body of requests whose path says everything.
#[derive(Debug, Serialize)]
pub struct Empty {}

/// Reads a value; null is its default.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads text; anything else is none.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Plain(String),
        Other(IgnoredAny),
    }
    Ok(match Text::deserialize(deserializer)? {
        Text::Plain(text) => Some(text),
        Text::Other(IgnoredAny) => None,
    })
}

/// Reads a whole number, which may be text; anything else is none.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Plain(u64),
        Text(String),
        Other(IgnoredAny),
    }
    Ok(match Number::deserialize(deserializer)? {
        Number::Plain(number) => Some(number),
        Number::Text(text) => text.parse().ok(),
        Number::Other(IgnoredAny) => None,
    })
}
