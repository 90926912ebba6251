//! Hands the members of a finding's line to the writer as they are read, without building a value in between.

use std::fmt;

use scanhost_sdk::findings::{Field, Findings};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::line::Kind;

/// Reads one line and hands its finding to the writer.
pub struct Line<'w, 'a> {
    pub findings: &'w mut Findings<'a>,
    /// Why the host refused the findings so far.
    pub refusal: &'w mut Option<String>,
}

impl Line<'_, '_> {
    pub fn read<'de, D: Deserializer<'de>>(self, line: D) -> Result<Kind, D::Error> {
        line.deserialize_map(self)
    }
}

/// The name of a line's first member.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum First {
    Type,
}

impl<'de> Visitor<'de> for Line<'_, '_> {
    type Value = Kind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object whose first member is its type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Kind, A::Error> {
        let Some(First::Type) = members.next_key()? else { return Err(A::Error::missing_field("type")) };
        let kind = members.next_value()?;
        match kind {
            Kind::Host => while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
            Kind::Finding => {
                if let Err(refusal) = self.findings.begin_finding() {
                    *self.refusal = Some(refusal);
                    return Err(A::Error::custom("refused"));
                }
                while let Some(field) = members.next_key_seed(Name(self.findings))? {
                    members.next_value_seed(Values { findings: self.findings, field })?;
                }
            }
        }
        Ok(kind)
    }
}

struct Name<'w, 'a>(&'w mut Findings<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Field, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Field;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Field, E> {
        Ok(self.0.field(name))
    }
}

/// Reads a value of a field, or a list of values.
struct Values<'w, 'a> {
    findings: &'w mut Findings<'a>,
    field: Field,
}

impl<'de> DeserializeSeed<'de> for Values<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, values: D) -> Result<(), D::Error> {
        values.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number, a boolean, null or a list of them")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.findings.put(self.field, value);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Values { findings: self.findings, field: self.field })?.is_some() {}
        Ok(())
    }
}
