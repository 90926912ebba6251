//! The rows of an answer as they are shown: those of the report, or what the profile's plugin makes of them. Every form
//! of output uses them.

use std::{io::Write, mem};

use scanhost_domain::finding::Value;
use scanhost_sandbox::Fault;
use serde_json::Value as Json;

use super::{
    error::ReportError,
    json_value::JsonValue,
    query::Selected,
    records::Record,
    shaped::ShapedRow,
    view::{ShownField, View},
};

/// How many rows a guest gets in one call: a page at most.
const AT_ONCE: usize = 100;

/// One row, with the view's fields.
#[derive(Clone, Copy)]
pub enum Row<'a> {
    Record(Record<'a>),
    Shaped(&'a ShapedRow),
}

impl<'a> Row<'a> {
    /// The value of the view's field at this place; none if the row lacks it.
    pub fn get(self, field: usize) -> Option<&'a Value> {
        match self {
            Self::Record(record) => record.get(field),
            Self::Shaped(row) => row.get(field).and_then(Option::as_ref),
        }
    }
}

/// Why a profile's plugin did not shape the rows.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    #[error("the plugin `{plugin}` of the profile {fault}")]
    Fault { plugin: String, fault: Fault },
    #[error("the plugin `{plugin}` of the profile cannot shape the rows: {reason}")]
    Refused { plugin: String, reason: String },
}

/// Passes rows through the profile's plugin, as JSON objects. Returns as many rows, which are checked.
pub type Shape<'a> = &'a dyn Fn(&[String]) -> Result<Vec<ShapedRow>, ShapeError>;

/// Calls `take` with the rows in order, until it returns false.
pub fn each<E: From<ReportError> + From<ShapeError>>(
    selected: &Selected<'_>,
    view: &View,
    shape: Option<Shape<'_>>,
    mut take: impl FnMut(Row<'_>) -> Result<bool, E>,
) -> Result<(), E> {
    let Some(shape) = shape else { return selected.each(|record| take(Row::Record(record))) };
    let names = Names::of(view.planned());
    let mut waiting = Vec::new();
    let mut pass = |rows: Vec<String>| -> Result<bool, E> {
        for row in shape(&rows)? {
            if !take(Row::Shaped(&row))? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    selected.each(|record| {
        waiting.push(names.object(Row::Record(record)));
        if waiting.len() < AT_ONCE { Ok(true) } else { pass(mem::take(&mut waiting)) }
    })?;
    // No rows wait if `take` has returned false.
    if !waiting.is_empty() {
        pass(waiting)?;
    }
    Ok(())
}

/// The fields' names as JSON, each with its place in a row.
pub struct Names(Vec<(usize, String)>);

impl Names {
    pub fn of(fields: &[ShownField]) -> Self {
        Self::those(fields, |_| true)
    }

    /// The names without the field `type`, since that key says which kind of line it is.
    pub fn of_line(fields: &[ShownField]) -> Self {
        Self::those(fields, |field| field.name != "type")
    }

    fn those(fields: &[ShownField], is_wanted: impl Fn(&ShownField) -> bool) -> Self {
        let wanted = fields.iter().enumerate().filter(|(_, field)| is_wanted(field));
        Self(wanted.map(|(place, field)| (place, Json::from(field.name.as_str()).to_string())).collect())
    }

    /// The row as a JSON object.
    pub fn object(&self, row: Row<'_>) -> String {
        self.after("{", "", row)
    }

    /// The row as a JSON object that begins with the text `start`.
    pub fn after(&self, start: &str, comma: &'static str, row: Row<'_>) -> String {
        let mut object = start.as_bytes().to_vec();
        let mut comma = comma;
        for (place, name) in &self.0 {
            if let Some(value) = row.get(*place) {
                let written = write!(object, "{comma}{name}:")
                    .and_then(|()| Ok(serde_json::to_writer(&mut object, &JsonValue(value))?));
                written.expect("memory takes what is written, and a value is JSON");
                comma = ",";
            }
        }
        object.push(b'}');
        String::from_utf8(object).expect("JSON is text")
    }
}
