//! Filters: which findings of a report are asked for. Terms are over any field, shown or not, and all must hold.
//!
//! A term reads alike wherever it comes from: JSON, YAML and the command line all arrive as [`Operand`]s, and every
//! scalar is read by its text. An operand that could never be meant is an error, and never an empty result.

mod comparison;
mod error;
mod fold;
mod number;
mod term;
#[cfg(test)]
mod tests;
mod text;
mod texts;

pub use self::{
    error::{FilterError, FilterErrors, Reason},
    term::Term,
    texts::FoldedTexts,
};
use crate::{
    field::{Columns, FieldIndex, FieldType},
    finding::Finding,
    target::problems::Problems,
};

/// The value of a term as it was given, in whichever format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Null,
    Boolean(bool),
    /// The number as it was written, so that no digit is lost.
    Number(String),
    Text(String),
    List(Vec<Operand>),
    Object,
}

/// Terms that must all hold. None at all hold for every finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    terms: Vec<FieldTerm>,
}

/// A term and the field that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldTerm {
    /// `None` for a field that is known and that no finding of the report has.
    pub field: Option<FieldIndex>,
    pub term: Term,
}

impl Filters {
    /// Reads terms for one report. Two terms on one field must both hold.
    pub fn parse(terms: &[(String, Operand)], columns: &Columns) -> Result<Self, FilterErrors> {
        Self::parse_with(terms, columns, None)
    }

    /// Reads the terms of a standing filter. A field that the report does not know is a text that none of its findings
    /// has.
    pub fn parse_standing(terms: &[(String, Operand)], columns: &Columns) -> Result<Self, FilterErrors> {
        Self::parse_with(terms, columns, Some(FieldType::Text))
    }

    fn parse_with(
        terms: &[(String, Operand)],
        columns: &Columns,
        unknown: Option<FieldType>,
    ) -> Result<Self, FilterErrors> {
        let (mut parsed, mut errors) = (Vec::new(), Problems::default());
        for (field, operand) in terms {
            let term = match columns.type_of(field).or(unknown) {
                Some(field_type) => Term::parse(field_type, operand),
                None => Err(vec![Reason::UnknownField]),
            };
            match term {
                Ok(term) => parsed.push(FieldTerm { field: columns.find(field), term }),
                Err(reasons) => {
                    for reason in reasons {
                        errors.push(FilterError { field: field.clone(), reason });
                    }
                }
            }
        }
        if errors.is_empty() { Ok(Self { terms: parsed }) } else { Err(FilterErrors(errors)) }
    }

    /// Whether all terms hold; a store that looks at columns has to agree with it. A finding without the field never
    /// matches, also where the term is a negation.
    pub fn matches(&self, finding: &Finding) -> bool {
        let holds = |FieldTerm { field, term }: &FieldTerm| {
            field.and_then(|field| finding.get(field)).is_some_and(|value| term.holds(value))
        };
        self.terms.iter().all(holds)
    }

    /// The terms of both, which must be of the same report.
    pub fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }

    /// The terms, for a store that looks at one column at a time.
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }
}
