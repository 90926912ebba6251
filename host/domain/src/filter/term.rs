//! One term: what a field's value must be. It does not know its field, so a store can check it once for each distinct
//! value of a column.

use std::slice;

use super::{
    Operand,
    comparison::{Comparison, severity},
    error::Reason,
    fold::fold,
    number::Number,
    text::TextTest,
    texts::FoldedTexts,
};
use crate::{
    field::FieldType,
    finding::{Severity, Value},
    target::Quoted,
};

/// Tests that all have the type of the field.
#[derive(Clone, Debug, PartialEq)]
pub struct Term(Tests);

#[derive(Clone, Debug, PartialEq)]
enum Tests {
    /// Tests of texts and lists. A test of a list holds when some element passes it, so a negated one when none does.
    Text(Choice<TextTest>),
    Number(Choice<Comparison<Number>>),
    Severity(Choice<Comparison<Severity>>),
    Boolean(Choice<bool>),
}

/// Holds when at least one test of `any` passes, if there are any, and no test of `none` does.
#[derive(Clone, Debug, PartialEq)]
struct Choice<T> {
    // Invariant: not both are empty.
    any: Vec<T>,
    none: Vec<T>,
}

impl Term {
    /// The errors are the reasons, one for each value that cannot be read.
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

    /// Whether the value fits the term. A value of another type than the field's never does.
    pub fn holds(&self, value: &Value) -> bool {
        match (&self.0, value) {
            (Tests::Text(choice), Value::Text(text)) => {
                let folded = fold(text);
                choice.holds(|test| test.holds(&folded))
            }
            (Tests::Text(choice), Value::List(elements)) => {
                let folded: Vec<_> = elements.iter().map(|element| fold(element)).collect();
                choice.holds(|test| folded.iter().any(|element| test.holds(element)))
            }
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

    /// Whether the term holds, for each of these values of a text or list field.
    pub fn holding(&self, values: &FoldedTexts) -> Vec<bool> {
        let Tests::Text(choice) = &self.0 else { return vec![false; values.len()] };
        let passing = |tests: &[TextTest]| {
            let mut marks = vec![false; values.len()];
            for test in tests {
                test.mark(values, &mut marks);
            }
            marks
        };
        let any = if choice.any.is_empty() { vec![true; values.len()] } else { passing(&choice.any) };
        let none = passing(&choice.none);
        any.into_iter().zip(none).map(|(any, none)| any && !none).collect()
    }
}

impl<T> Choice<T> {
    /// A leading `!` negates, and all that follows is the value, also another `!`. `outer` removes blanks where they do
    /// not count.
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

/// The text of one value.
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
