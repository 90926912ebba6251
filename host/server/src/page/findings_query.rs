//! Which findings of a scan to show. The query is in the address, so that people can keep it and pass it on, and becomes
//! the arguments of the use case.

use scanhost_app::{refusal::Refusal, scans::results::Args};
use url::form_urlencoded::{self, Serializer};

use crate::filter_word::{FilterWord, combine};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingsQuery {
    pub profile: Option<String>,
    /// `K=V`, in the order in which they were given.
    pub filters: Vec<String>,
    /// The text of the address; the use case checks it, as it does the two below.
    pub page: Option<String>,
    pub page_size: Option<String>,
    pub skip: Option<String>,
}

impl FindingsQuery {
    /// Parses the query part of an address. A form sends a filter in two parts, `field` and `value`.
    pub fn parse(address_query: &str) -> Self {
        let mut query = Self::default();
        let (mut field, mut value) = (String::new(), String::new());
        for (name, text) in form_urlencoded::parse(address_query.as_bytes()) {
            let text = text.trim().to_owned();
            if text.is_empty() {
                continue;
            }
            match name.as_ref() {
                "profile" => query.profile = Some(text),
                "filter" => query.filters.push(text),
                "field" => field = text,
                "value" => value = text,
                "page" => query.page = Some(text),
                "page_size" => query.page_size = Some(text),
                "skip" => query.skip = Some(text),
                _ => {}
            }
        }
        if !field.is_empty() {
            query.filters.push(format!("{field}={value}"));
        }
        query
    }

    /// Writes the query part of an address.
    pub fn encode(&self) -> String {
        let Self { profile, filters, page, page_size, skip } = self;
        let mut query = Serializer::new(String::new());
        for (name, text) in [("profile", profile), ("page", page), ("page_size", page_size), ("skip", skip)] {
            if let Some(text) = text {
                query.append_pair(name, text);
            }
        }
        for filter in filters {
            query.append_pair("filter", filter);
        }
        query.finish()
    }

    /// The arguments of the use case.
    ///
    /// # Errors
    /// Fails when the page, its size or `skip` is not a number.
    pub fn args(&self, task_id: &str) -> Result<Args, Refusal> {
        let usual = Args::first_page(task_id.to_owned());
        // Text without `=` becomes a field with an empty value, which the use case refuses with a reason.
        let word = |text: &String| text.parse::<FilterWord>().or_else(|_| format!("{text}=").parse());
        let words: Vec<FilterWord> = self.filters.iter().filter_map(|text| word(text).ok()).collect();
        Ok(Args {
            page: number("page", self.page.as_deref(), usual.page)?,
            page_size: number("page_size", self.page_size.as_deref(), usual.page_size)?,
            skip: number("skip", self.skip.as_deref(), usual.skip)?,
            schema_profile: self.profile.clone(),
            filters: combine(&words),
            ..usual
        })
    }

    /// Adds a filter and goes to the first page.
    #[must_use]
    pub fn with_filter(&self, field: &str, value: &str) -> Self {
        let mut filters = self.filters.clone();
        filters.push(format!("{field}={value}"));
        Self { filters, ..self.on_first_page() }
    }

    /// Removes a filter and goes to the first page.
    #[must_use]
    pub fn without_filter(&self, index: usize) -> Self {
        let mut filters = self.filters.clone();
        filters.remove(index);
        Self { filters, ..self.on_first_page() }
    }

    #[must_use]
    pub fn with_profile(&self, profile: Option<&str>) -> Self {
        Self { profile: profile.map(str::to_owned), ..self.on_first_page() }
    }

    #[must_use]
    pub fn on_page(&self, page: u64) -> Self {
        Self { page: Some(page.to_string()), skip: None, ..self.clone() }
    }

    #[must_use]
    pub fn after(&self, skip: u64) -> Self {
        Self { skip: Some(skip.to_string()), ..self.clone() }
    }

    fn on_first_page(&self) -> Self {
        Self { page: None, skip: None, ..self.clone() }
    }
}

fn number(name: &str, text: Option<&str>, usual: i64) -> Result<i64, Refusal> {
    let Some(text) = text else { return Ok(usual) };
    let hint = "Use a whole number in the address, or remove this part.";
    text.parse().map_err(|_| Refusal::invalid(format!("{name} is not a whole number"), hint))
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn address_becomes_the_arguments_of_the_use_case() {
        let table = [
            ("", None, (1, 40, 0), "{}"),
            ("profile=minimal&page=2&page_size=20", Some("minimal"), (2, 20, 0), "{}"),
            ("page=0&skip=-1", None, (0, 40, -1), "{}"),
            ("filter=severity%3D%3E%3DHigh", None, (1, 40, 0), r#"{"severity":">=High"}"#),
            ("filter=host%3Da&field=host&value=b", None, (1, 40, 0), r#"{"host":["a","b"]}"#),
            ("field=host&value=", None, (1, 40, 0), r#"{"host":""}"#),
            ("field=&value=b&profile=", None, (1, 40, 0), "{}"),
            ("filter=host", None, (1, 40, 0), r#"{"host":""}"#),
        ];
        for (query, profile, numbers, filters) in table {
            let args = FindingsQuery::parse(query).args("1").unwrap();
            assert_eq!(args.task_id, "1");
            assert_eq!(args.schema_profile.as_deref(), profile, "{query}");
            assert_eq!((args.page, args.page_size, args.skip), numbers, "{query}");
            assert_eq!(Json::Object(args.filters).to_string(), filters, "{query}");
        }
    }

    #[test]
    fn invalid_number_is_refused_by_name() {
        for name in ["page", "page_size", "skip"] {
            let refused = FindingsQuery::parse(&format!("{name}=two")).args("1").err().unwrap();
            assert_eq!(refused.message, format!("{name} is not a whole number"));
        }
    }

    #[test]
    fn address_survives_parsing_and_encoding() {
        let query = FindingsQuery::parse("profile=brief&page=3&filter=a%3D%26%3D&filter=b%3D%2B&skip=7");
        assert_eq!(FindingsQuery::parse(&query.encode()), query);
    }

    #[test]
    fn adding_or_removing_a_filter_returns_to_the_first_page() {
        let query = FindingsQuery::parse("page=3&skip=4&filter=a%3D1").with_filter("b", "2");
        assert_eq!(query.encode(), "filter=a%3D1&filter=b%3D2");
        assert_eq!(query.without_filter(0).encode(), "filter=b%3D2");
    }
}
