//! What a person asks of a scan's findings: it is in the address, so that it can be kept and passed on, and becomes the
//! arguments of the use case.

use scanhost_app::{refusal::Refusal, scans::results::Args};
use url::form_urlencoded::{self, Serializer};

use crate::filter_word::{Word, combine};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    pub profile: Option<String>,
    /// `K=V`, in the order in which they were given.
    pub filters: Vec<String>,
    /// As they stand in the address; the tool checks them.
    pub page: Option<String>,
    pub page_size: Option<String>,
    pub skip: Option<String>,
}

impl Question {
    /// Of the query of an address. A filter may also come in two parts, as from a form.
    pub fn parse(query: &str) -> Self {
        let mut question = Self::default();
        let (mut field, mut value) = (String::new(), String::new());
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let text = text.trim().to_owned();
            if text.is_empty() {
                continue;
            }
            match name.as_ref() {
                "profile" => question.profile = Some(text),
                "filter" => question.filters.push(text),
                "field" => field = text,
                "value" => value = text,
                "page" => question.page = Some(text),
                "page_size" => question.page_size = Some(text),
                "skip" => question.skip = Some(text),
                _ => {}
            }
        }
        if !field.is_empty() {
            question.filters.push(format!("{field}={value}"));
        }
        question
    }

    /// The query of an address.
    pub fn query(&self) -> String {
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

    /// As arguments of the use case.
    ///
    /// # Errors
    /// When a number is none.
    pub fn args(&self, task_id: &str) -> Result<Args, Refusal> {
        let usual = Args::first_page(task_id.to_owned());
        // What is no pair is a field without a value, which is refused with the reason.
        let word = |text: &String| text.parse::<Word>().or_else(|_| format!("{text}=").parse());
        let words: Vec<Word> = self.filters.iter().filter_map(|text| word(text).ok()).collect();
        Ok(Args {
            page: number("page", self.page.as_deref(), usual.page)?,
            page_size: number("page_size", self.page_size.as_deref(), usual.page_size)?,
            skip: number("skip", self.skip.as_deref(), usual.skip)?,
            schema_profile: self.profile.clone(),
            filters: combine(&words),
            ..usual
        })
    }

    /// The same with another filter, from its first page.
    #[must_use]
    pub fn with_filter(&self, field: &str, value: &str) -> Self {
        let mut filters = self.filters.clone();
        filters.push(format!("{field}={value}"));
        Self { filters, ..self.at_start() }
    }

    /// The same without the filter in that place.
    #[must_use]
    pub fn without_filter(&self, place: usize) -> Self {
        let mut filters = self.filters.clone();
        filters.remove(place);
        Self { filters, ..self.at_start() }
    }

    #[must_use]
    pub fn with_profile(&self, profile: Option<&str>) -> Self {
        Self { profile: profile.map(str::to_owned), ..self.at_start() }
    }

    #[must_use]
    pub fn on_page(&self, page: u64) -> Self {
        Self { page: Some(page.to_string()), skip: None, ..self.clone() }
    }

    #[must_use]
    pub fn after(&self, skip: u64) -> Self {
        Self { skip: Some(skip.to_string()), ..self.clone() }
    }

    fn at_start(&self) -> Self {
        Self { page: None, skip: None, ..self.clone() }
    }
}

fn number(name: &str, text: Option<&str>, usual: i64) -> Result<i64, Refusal> {
    let Some(text) = text else { return Ok(usual) };
    let hint = "Take the number out of the address, or give a whole one.";
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
            let args = Question::parse(query).args("1").unwrap();
            assert_eq!(args.task_id, "1");
            assert_eq!(args.schema_profile.as_deref(), profile, "{query}");
            assert_eq!((args.page, args.page_size, args.skip), numbers, "{query}");
            assert_eq!(Json::Object(args.filters).to_string(), filters, "{query}");
        }
    }

    #[test]
    fn number_that_is_none_is_refused_by_its_name() {
        for name in ["page", "page_size", "skip"] {
            let refused = Question::parse(&format!("{name}=two")).args("1").err().unwrap();
            assert_eq!(refused.message, format!("{name} is not a whole number"));
        }
    }

    #[test]
    fn an_address_comes_back_as_it_was() {
        let question = Question::parse("profile=brief&page=3&filter=a%3D%26%3D&filter=b%3D%2B&skip=7");
        assert_eq!(Question::parse(&question.query()), question);
    }

    #[test]
    fn another_filter_begins_with_the_first_page() {
        let question = Question::parse("page=3&skip=4&filter=a%3D1").with_filter("b", "2");
        assert_eq!(question.query(), "filter=a%3D1&filter=b%3D2");
        assert_eq!(question.without_filter(0).query(), "filter=b%3D2");
    }
}
