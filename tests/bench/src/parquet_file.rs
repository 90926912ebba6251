//! Reads a page of results from a Parquet file, as the host would if it stored findings in one. Every row of the
//! filtered column is read, but only the rows of the page from the columns that are shown.

use std::{fs::File, hint::black_box, ops::Range, path::Path};

use parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    file::{
        reader::{FileReader as _, RowGroupReader},
        serialized_reader::SerializedFileReader,
    },
};

/// The fields that the profile `brief` shows.
const SHOWN_FIELDS: [&str; 11] = [
    "host",
    "plugin_id",
    "severity",
    "cve",
    "cvss_score",
    "exploit_available",
    "plugin_name",
    "cvss3_base_score",
    "synopsis",
    "description",
    "solution",
];

/// The field of the filter.
const FILTERED_FIELD: &str = "severity_id";

/// The number of the severity `High`.
const HIGH: i64 = 3;

pub struct ParquetFile(SerializedFileReader<File>);

impl ParquetFile {
    pub fn open(path: &Path) -> Self {
        Self(SerializedFileReader::new(File::open(path).unwrap()).unwrap())
    }

    /// Filters the records by severity `>=High`, reads those in this range of the matches, and returns the number of
    /// matches.
    pub fn read_page(&self, page: Range<usize>) -> usize {
        let mut matches = 0;
        for number in 0..self.0.num_row_groups() {
            let group = self.0.get_row_group(number).unwrap();
            let mut rows_of_page = Vec::new();
            for row in matching_rows(group.as_ref()) {
                if page.contains(&matches) {
                    rows_of_page.push(row);
                }
                matches += 1;
            }
            if !rows_of_page.is_empty() {
                read_shown_fields(group.as_ref(), &rows_of_page);
            }
        }
        matches
    }
}

fn matching_rows(group: &dyn RowGroupReader) -> Vec<usize> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap();
    let ColumnReader::Int64ColumnReader(mut column) =
        group.get_column_reader(column_index(group, FILTERED_FIELD).unwrap()).unwrap()
    else {
        panic!("{FILTERED_FIELD} has to be an integer column");
    };
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    column.read_records(rows, Some(&mut levels), None, &mut values).unwrap();
    let mut values = values.into_iter();
    let present = levels.iter().enumerate().filter(|(_, level)| **level > 0);
    present.filter_map(|(row, _)| (values.next()? >= HIGH).then_some(row)).collect()
}

fn read_shown_fields(group: &dyn RowGroupReader, rows: &[usize]) {
    for name in SHOWN_FIELDS {
        // A report may lack a field.
        let Some(index) = column_index(group, name) else { continue };
        match group.get_column_reader(index).unwrap() {
            ColumnReader::BoolColumnReader(column) => read_rows(column, rows),
            ColumnReader::Int64ColumnReader(column) => read_rows(column, rows),
            ColumnReader::DoubleColumnReader(column) => read_rows(column, rows),
            ColumnReader::ByteArrayColumnReader(column) => read_rows(column, rows),
            _ => panic!("{name} has a type that no field of a finding has"),
        }
    }
}

fn read_rows<T: DataType>(mut column: ColumnReaderImpl<T>, rows: &[usize]) {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    let mut next_row = 0;
    for row in rows {
        column.skip_records(row - next_row).unwrap();
        column.read_records(1, Some(&mut definition), Some(&mut repetition), &mut values).unwrap();
        next_row = row + 1;
    }
    black_box(values);
}

fn column_index(group: &dyn RowGroupReader, name: &str) -> Option<usize> {
    let columns = group.metadata().columns();
    columns.iter().position(|column| column.column_path().parts().first().is_some_and(|part| part == name))
}
