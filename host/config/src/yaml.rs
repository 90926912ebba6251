//! YAML text as a tree of values with their positions. Invalid YAML ends the reading of a file; everything else is left
//! to the readers of single settings, so that they can report every problem.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DefaultMessageFormatter, DuplicateKeyPolicy, Location, MessageFormatter, NonFiniteFloatPolicy, Spanned,
};
use zeroize::Zeroizing;

use super::problem::Position;

/// How deep lists and mappings may be nested, since the deserializer recurses.
const MAX_DEPTH: usize = 16;

pub(super) type Yaml = Spanned<Value>;

pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i128),
    Number(f64),
    Text(Text),
    List(Vec<Yaml>),
    /// The entries in the order of the file.
    Mapping(Vec<(Spanned<Key>, Yaml)>),
    /// A value that was already reported as a problem.
    Unusable,
}

pub(super) struct Text {
    pub(super) text: Zeroizing<String>,
    pub(super) origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Literal,
    /// Variables were filled in, so YAML could not tell its type: it may be read as a number or boolean.
    Expanded {
        is_quoted: bool,
    },
}

/// A key as it is written, also where it looks like a number.
pub(super) struct Key(pub(super) String);

/// # Errors
/// The error says where the text is not YAML, and why.
pub(super) fn parse(text: &str) -> Result<Yaml, (Option<Position>, String)> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: 100_000, max_documents: 1 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        leading_zero_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().and_then(place);
        let message = match error.without_snippet() {
            serde_saphyr::Error::Budget { breach: serde_saphyr::budget::BudgetBreach::Documents { .. }, .. } => {
                "a file may have only one document: remove the `---`".to_owned()
            }
            serde_saphyr::Error::Budget { breach: serde_saphyr::budget::BudgetBreach::Depth { .. }, .. } => {
                format!("lists and mappings are nested more than {MAX_DEPTH} deep")
            }
            serde_saphyr::Error::Budget { .. } => "the file is too complex for a configuration".to_owned(),
            other => DefaultMessageFormatter.format_message(other).into_owned(),
        };
        (place, message)
    })
}

pub(super) fn place(location: Location) -> Option<Position> {
    (location.line() > 0).then(|| Position { line: location.line(), column: location.column() })
}

/// Whether a scalar is written in quotes or as a block.
pub(super) fn is_quoted(scalar: &Yaml, source: &str) -> bool {
    let start = scalar.defined.span().byte_offset().and_then(|offset| usize::try_from(offset).ok());
    let first = start.and_then(|start| source.as_bytes().get(start));
    matches!(first, Some(b'"' | b'\'' | b'|' | b'>'))
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(Text { text: Zeroizing::new(value), origin: Origin::Literal }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(Value::Mapping(mapping))
    }
}
