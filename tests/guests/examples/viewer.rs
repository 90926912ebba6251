//! A profile that behaves correctly and adds its version number to every row. Tests make other versions of it by
//! overwriting the digits in [`MARK`].

use std::hint::black_box;

use scanhost_sdk::profile::planner::{Column, Description, Field, FieldType, Guest, QueryPlan, Selection};

/// Text that tests change in the bytes of the component. It is long, so that the compiler keeps it in one piece.
static MARK: &str = "viewer guest of version 0001 that shows one more field";

struct Viewer;

impl Viewer {
    fn version() -> u32 {
        let (_, rest) = black_box(MARK).split_once("version").expect("the mark has this word");
        rest[1..5].parse().expect("a number follows it")
    }

    fn fields() -> Selection {
        Selection::Some(vec!["host".to_owned(), "viewer".to_owned()])
    }
}

impl Guest for Viewer {
    fn describe(_definition: String) -> Result<Description, String> {
        Ok(Description {
            name: "viewer".to_owned(),
            version: format!("1.{}.0", Self::version()),
            fields: Self::fields(),
            derived: vec![Field {
                name: "viewer".to_owned(),
                type_: FieldType::Integer,
                description: "the version of the profile that made the row".to_owned(),
            }],
            shapes: true,
        })
    }

    fn plan(_definition: String, _columns: Vec<Column>) -> Result<QueryPlan, String> {
        Ok(QueryPlan { fields: Self::fields(), filters: "{}".to_owned(), order: Vec::new(), group: None })
    }

    fn shape(_definition: String, rows: Vec<String>) -> Result<Vec<String>, String> {
        let version = Self::version();
        let shape = |row: String| {
            let row = row.trim_end_matches('}').to_owned();
            let comma = if row.ends_with('{') { "" } else { "," };
            format!("{row}{comma}\"viewer\":{version}}}")
        };
        Ok(rows.into_iter().map(shape).collect())
    }
}

scanhost_sdk::export_profile!(Viewer);
