//! A backend whose description breaks the rules: its name is not allowed, and it gives a standard field another type.

use guests::{Backend, Guest, plain_description};
use scanhost_sdk::backend::scanner::{Description, Field, FieldType};

struct Liar;

impl Guest for Liar {
    const NAME: &'static str = "Not A Name!";

    fn describe() -> Description {
        let port = Field { name: "port".to_owned(), type_: FieldType::Text, description: "not a number".to_owned() };
        Description { fields: vec![port], ..plain_description(Self::NAME) }
    }
}

type Component = Backend<Liar>;
scanhost_sdk::export_backend!(Component);
