//! Findings as a Parquet file: one column for each field, with the type of the field. Only one group of rows is in memory
//! at a time.
//!
//! A severity is written as its name. Its number, by which it can be ordered, follows as `severity_id`, unless the profile
//! shows that itself.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as PhysicalType},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};
use scanhost_domain::{field::FieldType, finding::Value};

use super::error::ExportError;
use crate::{PreparedQuery, rows::Row};

/// A group of rows is written when it has this many rows.
const GROUP_ROWS: usize = 50_000;
/// A group of rows is written when it has this many bytes.
const GROUP_BYTES: usize = 16 << 20;

const SEVERITY_ID: &str = "severity_id";

pub(super) fn write(prepared: &PreparedQuery, out: impl Write + Send) -> Result<(), ExportError> {
    let mut columns = columns(prepared);
    let fields = columns.iter().map(Column::schema).collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("findings").with_fields(fields).build()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    let (mut rows, mut bytes) = (0, 0);
    prepared.each(|row| -> Result<bool, ExportError> {
        for column in &mut columns {
            bytes += column.push(row)?;
        }
        rows += 1;
        if rows == GROUP_ROWS || bytes >= GROUP_BYTES {
            (rows, bytes) = (0, 0);
            write_group(&mut file, &mut columns)?;
        }
        Ok(true)
    })?;
    if rows > 0 {
        write_group(&mut file, &mut columns)?;
    }
    file.close()?;
    Ok(())
}

fn write_group<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    columns: &mut [Column],
) -> Result<(), ParquetError> {
    let mut group = file.next_row_group()?;
    for column in columns {
        column.cells.write(&mut group)?;
    }
    group.close()?;
    Ok(())
}

/// One column of the file, and the place of its field in a record.
struct Column {
    name: String,
    place: usize,
    cells: Cells,
}

/// The values of one group of rows.
enum Cells {
    Text(Levels<ByteArray>),
    List(Levels<ByteArray>),
    Integer(Levels<i64>),
    Number(Levels<f64>),
    Boolean(Levels<bool>),
}

/// The present values, and the definition and repetition levels of each row or element.
struct Levels<T> {
    values: Vec<T>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

fn columns(prepared: &PreparedQuery) -> Vec<Column> {
    let fields = prepared.view.fields();
    let has_number = fields.iter().any(|field| field.name == SEVERITY_ID);
    let mut columns = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let is_severity = field.field_type == FieldType::Severity;
        columns.push(Column { name: field.name.clone(), place, cells: Cells::new(field.field_type) });
        if is_severity && field.name == "severity" && !has_number {
            columns.push(Column { name: SEVERITY_ID.into(), place, cells: Cells::new(FieldType::Integer) });
        }
    }
    columns
}

/// A value that is not of its column's type, as a profile's plugin may return it.
struct Mistyped;

impl Column {
    /// Adds a row. Returns how many bytes it takes, approximately.
    fn push(&mut self, row: Row<'_>) -> Result<usize, ExportError> {
        self.cells.push(row.get(self.place)).map_err(|Mistyped| ExportError::Mistyped { field: self.name.clone() })
    }

    fn schema(&self) -> Result<TypePtr, ParquetError> {
        let text = |name, repetition| {
            let text = Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY);
            text.with_logical_type(Some(LogicalType::String)).with_repetition(repetition).build()
        };
        let plain = |physical| Type::primitive_type_builder(&self.name, physical).with_repetition(Repetition::OPTIONAL);
        let schema = match &self.cells {
            Cells::Text(_) => text(&self.name, Repetition::OPTIONAL)?,
            Cells::Integer(_) => plain(PhysicalType::INT64).build()?,
            Cells::Number(_) => plain(PhysicalType::DOUBLE).build()?,
            Cells::Boolean(_) => plain(PhysicalType::BOOLEAN).build()?,
            Cells::List(_) => {
                let element = Arc::new(text("element", Repetition::REQUIRED)?);
                let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
                let list = Arc::new(list.with_fields(vec![element]).build()?);
                let whole = Type::group_type_builder(&self.name).with_repetition(Repetition::OPTIONAL);
                whole.with_logical_type(Some(LogicalType::List)).with_fields(vec![list]).build()?
            }
        };
        Ok(Arc::new(schema))
    }
}

impl Cells {
    fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Text | FieldType::Severity => Self::Text(Levels::default()),
            FieldType::List => Self::List(Levels::default()),
            FieldType::Integer => Self::Integer(Levels::default()),
            FieldType::Number => Self::Number(Levels::default()),
            FieldType::Boolean => Self::Boolean(Levels::default()),
        }
    }

    fn push(&mut self, value: Option<&Value>) -> Result<usize, Mistyped> {
        let mut bytes = size_of::<ByteArray>();
        let mut text = |text: &str| {
            bytes += text.len();
            ByteArray::from(text.as_bytes().to_vec())
        };
        match (self, value) {
            (Self::Text(levels), Some(Value::Text(value))) => levels.push(Some(text(value))),
            (Self::Text(levels), Some(Value::Severity(severity))) => levels.push(Some(text(severity.name()))),
            (Self::List(levels), Some(Value::List(list))) => levels.push_list(list.iter().map(|value| text(value))),
            (Self::Integer(levels), Some(Value::Integer(value))) => levels.push(Some(*value)),
            (Self::Integer(levels), Some(Value::Severity(severity))) => levels.push(Some(severity.level().into())),
            (Self::Number(levels), Some(Value::Number(value))) => levels.push(Some(*value)),
            // The nearest number of this type.
            (Self::Number(levels), Some(Value::Integer(value))) => levels.push(Some(*value as f64)),
            (Self::Boolean(levels), Some(Value::Boolean(value))) => levels.push(Some(*value)),
            (Self::Text(levels) | Self::List(levels), None) => levels.push(None),
            (Self::Integer(levels), None) => levels.push(None),
            (Self::Number(levels), None) => levels.push(None),
            (Self::Boolean(levels), None) => levels.push(None),
            (Self::Text(_) | Self::List(_) | Self::Integer(_) | Self::Number(_) | Self::Boolean(_), Some(_)) => {
                return Err(Mistyped);
            }
        }
        Ok(bytes)
    }

    fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        match self {
            Self::Text(levels) | Self::List(levels) => levels.write::<ByteArrayType, W>(group),
            Self::Integer(levels) => levels.write::<Int64Type, W>(group),
            Self::Number(levels) => levels.write::<DoubleType, W>(group),
            Self::Boolean(levels) => levels.write::<BoolType, W>(group),
        }
    }
}

impl<T> Default for Levels<T> {
    fn default() -> Self {
        Self { values: Vec::new(), definition: Vec::new(), repetition: Vec::new() }
    }
}

impl<T> Levels<T> {
    fn push(&mut self, value: Option<T>) {
        self.definition.push(value.is_some().into());
        self.repetition.push(0);
        self.values.extend(value);
    }

    /// A list is never empty.
    fn push_list(&mut self, list: impl Iterator<Item = T>) {
        for (place, value) in list.enumerate() {
            self.definition.push(2);
            self.repetition.push((place > 0).into());
            self.values.push(value);
        }
    }

    fn write<D: DataType<T = T>, W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let column = group.next_column()?;
        let mut column = column.ok_or_else(|| ParquetError::General("a column more than the file has".into()))?;
        column.typed::<D>().write_batch(&self.values, Some(&self.definition), Some(&self.repetition))?;
        column.close()?;
        *self = Self::default();
        Ok(())
    }
}
