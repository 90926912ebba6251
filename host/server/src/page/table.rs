//! Tables that become cards where there is little room: each cell carries its column's name for that.

use maud::{Markup, html};

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    Text(&'a str),
    Number(&'a str),
    /// What can be done; said to those who hear the page, since others see it.
    Actions,
}

/// A table with these columns.
pub fn table(columns: &[Column<'_>], rows: Markup) -> Markup {
    html! {
        div.panel { table.cards {
            thead { tr { @for column in columns {
                @match column {
                    Column::Text(name) => th scope="col" { (super::escape::Told(name)) },
                    Column::Number(name) => th.number scope="col" { (super::escape::Told(name)) },
                    Column::Actions => th scope="col" { span.sr { "Actions" } },
                }
            } } }
            tbody { (rows) }
        } }
    }
}
