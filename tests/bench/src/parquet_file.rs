//! A page of results out of a Parquet file, as it would be had if findings were kept in one: the columns of the filter
//! are read whole, and of the shown ones only the page's rows.

use std::{fs::File, hint::black_box, ops::Range, path::Path};

use parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    file::{
        reader::{FileReader as _, RowGroupReader},
        serialized_reader::SerializedFileReader,
    },
};

/// What the profile `brief` shows.
const SHOWN: [&str; 11] = [
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

/// The severity's number.
const FILTERED: &str = "severity_id";
const HIGH: i64 = 3;

pub struct ParquetFile(SerializedFileReader<File>);

impl ParquetFile {
    pub fn open(path: &Path) -> Self {
        Self(SerializedFileReader::new(File::open(path).unwrap()).unwrap())
    }

    /// Reads these records of those of severity high and above, and counts all of them.
    pub fn page(&self, wanted: Range<usize>) -> usize {
        let mut total = 0;
        for number in 0..self.0.num_row_groups() {
            let group = self.0.get_row_group(number).unwrap();
            let mut places = Vec::new();
            for row in matching(group.as_ref()) {
                if wanted.contains(&total) {
                    places.push(row);
                }
                total += 1;
            }
            if !places.is_empty() {
                show(group.as_ref(), &places);
            }
        }
        total
    }
}

fn matching(group: &dyn RowGroupReader) -> Vec<usize> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap();
    let ColumnReader::Int64ColumnReader(mut column) = group.get_column_reader(place(group, FILTERED).unwrap()).unwrap()
    else {
        panic!("a severity's number is a number");
    };
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    column.read_records(rows, Some(&mut levels), None, &mut values).unwrap();
    let mut values = values.into_iter();
    let present = levels.iter().enumerate().filter(|(_, level)| **level > 0);
    present.filter_map(|(row, _)| (values.next()? >= HIGH).then_some(row)).collect()
}

fn show(group: &dyn RowGroupReader, rows: &[usize]) {
    for name in SHOWN {
        // A report need not have every field.
        let Some(place) = place(group, name) else { continue };
        match group.get_column_reader(place).unwrap() {
            ColumnReader::BoolColumnReader(column) => read(column, rows),
            ColumnReader::Int64ColumnReader(column) => read(column, rows),
            ColumnReader::DoubleColumnReader(column) => read(column, rows),
            ColumnReader::ByteArrayColumnReader(column) => read(column, rows),
            _ => panic!("{name} has a type that no finding has"),
        }
    }
}

fn read<T: DataType>(mut column: ColumnReaderImpl<T>, rows: &[usize]) {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    for row in rows {
        column.skip_records(row - at).unwrap();
        column.read_records(1, Some(&mut definition), Some(&mut repetition), &mut values).unwrap();
        at = row + 1;
    }
    black_box(values);
}

fn place(group: &dyn RowGroupReader, name: &str) -> Option<usize> {
    let columns = group.metadata().columns();
    columns.iter().position(|column| column.column_path().parts().first().is_some_and(|part| part == name))
}
