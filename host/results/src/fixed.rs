//! Values of a fixed size, which are written in eight bytes.

use scanhost_domain::{
    field::FieldType,
    finding::{Severity, Value},
};

/// The bits of a value; none for texts and lists.
pub fn fixed_bits(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(integer) => Some(integer.cast_unsigned()),
        Value::Number(number) => Some(number.to_bits()),
        Value::Boolean(boolean) => Some(u64::from(*boolean)),
        Value::Severity(severity) => Some(u64::from(severity.level())),
        Value::Text(_) | Value::List(_) => None,
    }
}

/// The value with these bits; none for invalid bits, and for texts and lists.
pub fn fixed_value(field_type: FieldType, bits: u64) -> Option<Value> {
    match field_type {
        FieldType::Integer => Some(Value::Integer(bits.cast_signed())),
        FieldType::Number => Some(Value::Number(f64::from_bits(bits))),
        FieldType::Boolean if bits <= 1 => Some(Value::Boolean(bits == 1)),
        FieldType::Severity => Some(Value::Severity(*Severity::ALL.get(usize::try_from(bits).ok()?)?)),
        FieldType::Boolean | FieldType::Text | FieldType::List => None,
    }
}
