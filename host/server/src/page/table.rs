//! Tables that become cards on a narrow screen, for which each cell carries its column's name.

use maud::{Markup, html};

/// The head of a column.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    Text(&'a str),
    Number(&'a str),
    /// The column of buttons, whose head only screen readers get.
    Actions,
}

/// A table with these columns.
pub fn table(columns: &[Column<'_>], rows: Markup) -> Markup {
    html! {
        div.panel { table.cards {
            thead { tr { @for column in columns {
                @match column {
                    Column::Text(name) => th scope="col" { (super::escape::Escaped(name)) },
                    Column::Number(name) => th.number scope="col" { (super::escape::Escaped(name)) },
                    Column::Actions => th scope="col" { span.sr { "Actions" } },
                }
            } } }
            tbody { (rows) }
        } }
    }
}
