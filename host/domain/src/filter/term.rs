//! One term: what a field's value must be. It knows nothing of fields, so that one can be asked of each distinct value
//! of a column.

use std::slice;

use super::{
    Operand,
    comparison::{Comparison, severity},
    error::Reason,
    number::Number,
    text::{TextTest, fold},
};
use crate::{
    field::FieldType,
    finding::{Severity, Value},
    target::Quoted,
};

/// Tests of one type, which is the field's.
#[derive(Clone, Debug, PartialEq)]
pub struct Term(Tests);

#[derive(Clone, Debug, PartialEq)]
enum Tests {
    /// Of texts, and of lists by their elements.
    Text(Choice<TextTest>),
    Number(Choice<Comparison<Number>>),
    Severity(Choice<Comparison<Severity>>),
    Boolean(Choice<bool>),
}

/// Any of some tests, where there are any, and none of others.
#[derive(Clone, Debug, PartialEq)]
struct Choice<T> {
    // Invariant: not both are empty.
    any: Vec<T>,
    none: Vec<T>,
}

impl Term {
    /// On failure the reasons, one for each value that cannot be read.
    pub(super) fn parse(field_type: FieldType, operand: &Operand) -> Result<Self, Vec<Reason>> {
        let values = values(operand).map_err(|reason| vec![reason])?;
        let tests = match field_type {
            FieldType::Text | FieldType::List => Tests::Text(Choice::parse(values, |text| text, TextTest::parse)?),
            FieldType::Integer | FieldType::Number => {
                Tests::Number(Choice::parse(values, str::trim, |text| Comparison::parse(text, Number::parse))?)
            }
            FieldType::Severity => {
                Tests::Severity(Choice::parse(values, str::trim, |text| Comparison::parse(text, severity))?)
            }
            FieldType::Boolean => Tests::Boolean(Choice::parse(values, str::trim, boolean)?),
        };
        Ok(Self(tests))
    }

    /// Whether the value is as asked for. A value of another type than the field's never is.
    pub fn holds(&self, value: &Value) -> bool {
        match (&self.0, value) {
            (_, Value::Text(text)) => self.holds_for_text(text),
            (_, Value::List(elements)) => self.holds_for_elements(elements.iter().map(String::as_str)),
            (Tests::Number(choice), Value::Integer(value)) => {
                choice.holds(|test| test.holds(test.operand.order_of_integer(*value)))
            }
            (Tests::Number(choice), Value::Number(value)) => {
                !value.is_nan()
                    && choice.holds(|test| test.operand.order_of_number(*value).is_some_and(|order| test.holds(order)))
            }
            (Tests::Severity(choice), Value::Severity(value)) => {
                choice.holds(|test| test.holds(value.cmp(&test.operand)))
            }
            (Tests::Boolean(choice), Value::Boolean(value)) => choice.holds(|test| test == value),
            (Tests::Text(_) | Tests::Number(_) | Tests::Severity(_) | Tests::Boolean(_), _) => false,
        }
    }

    /// The same for a text that is not worth making a [`Value`] of.
    pub fn holds_for_text(&self, text: &str) -> bool {
        self.holds_for_elements([text].into_iter())
    }

    /// The same for the elements of a list. A test holds when some element passes it, so a negated one when none does.
    pub fn holds_for_elements<'a>(&self, elements: impl Iterator<Item = &'a str>) -> bool {
        match &self.0 {
            Tests::Text(choice) => {
                let folded: Vec<_> = elements.map(fold).collect();
                choice.holds(|test| folded.iter().any(|element| test.holds(element)))
            }
            Tests::Number(_) | Tests::Severity(_) | Tests::Boolean(_) => false,
        }
    }
}

impl<T> Choice<T> {
    /// A first `!` negates; what follows it is the value, also another `!`. `outer` takes blanks off where they do not
    /// count.
    fn parse(
        values: &[Operand],
        outer: impl Fn(&str) -> &str,
        parse: impl Fn(&str) -> Result<T, Reason>,
    ) -> Result<Self, Vec<Reason>> {
        let (mut choice, mut reasons) = (Self { any: Vec::new(), none: Vec::new() }, Vec::new());
        for value in values {
            let test = text(value).map(&outer).and_then(|text| match text.strip_prefix('!').unwrap_or(text) {
                "" => Err(Reason::Empty(Quoted::new(text))),
                sought => Ok((text.starts_with('!'), parse(sought)?)),
            });
            match test {
                Ok((true, test)) => choice.none.push(test),
                Ok((false, test)) => choice.any.push(test),
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() { Ok(choice) } else { Err(reasons) }
    }

    fn holds(&self, passes: impl Fn(&T) -> bool) -> bool {
        (self.any.is_empty() || self.any.iter().any(&passes)) && !self.none.iter().any(passes)
    }
}

/// The operand's values, at least one.
fn values(operand: &Operand) -> Result<&[Operand], Reason> {
    match operand {
        Operand::List(values) if values.is_empty() => Err(Reason::EmptyList),
        Operand::List(values) => Ok(values),
        Operand::Null | Operand::Boolean(_) | Operand::Number(_) | Operand::Text(_) | Operand::Object => {
            Ok(slice::from_ref(operand))
        }
    }
}

/// One value by its text.
fn text(value: &Operand) -> Result<&str, Reason> {
    match value {
        Operand::Null => Err(Reason::Null),
        Operand::Boolean(true) => Ok("true"),
        Operand::Boolean(false) => Ok("false"),
        Operand::Number(text) | Operand::Text(text) => Ok(text),
        Operand::List(_) => Err(Reason::NestedList),
        Operand::Object => Err(Reason::Object),
    }
}

fn boolean(text: &str) -> Result<bool, Reason> {
    [true, false]
        .into_iter()
        .find(|value| text.eq_ignore_ascii_case(&value.to_string()))
        .ok_or_else(|| Reason::NotABoolean(Quoted::new(text)))
}
