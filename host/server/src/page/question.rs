//! What a person asks of a scan's findings: it is in the address, so that it can be kept and passed on, and becomes the
//! arguments of `get_scan_results`.

use serde_json::{Map, Value as Json};
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

    /// As arguments of the tool.
    pub fn arguments(&self, task_id: &str) -> Map<String, Json> {
        let mut arguments = Map::from_iter([("task_id".to_owned(), Json::from(task_id))]);
        if let Some(profile) = &self.profile {
            arguments.insert("schema_profile".to_owned(), profile.as_str().into());
        }
        for (name, text) in [("page", &self.page), ("page_size", &self.page_size), ("skip", &self.skip)] {
            if let Some(text) = text {
                let number = text.parse::<i64>().map_or_else(|_| Json::from(text.as_str()), Json::from);
                arguments.insert(name.to_owned(), number);
            }
        }
        // What is no pair is a field without a value, which the tool refuses with the reason.
        let word = |text: &String| text.parse::<Word>().or_else(|_| format!("{text}=").parse());
        let words: Vec<Word> = self.filters.iter().filter_map(|text| word(text).ok()).collect();
        if !words.is_empty() {
            arguments.insert("filters".to_owned(), Json::Object(combine(&words)));
        }
        arguments
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_the_arguments_of_the_tool() {
        let table = [
            ("", r#"{"task_id":"1"}"#),
            (
                "profile=minimal&page=2&page_size=20",
                r#"{"task_id":"1","schema_profile":"minimal","page":2,"page_size":20}"#,
            ),
            ("page=two&skip=-1", r#"{"task_id":"1","page":"two","skip":-1}"#),
            ("filter=severity%3D%3E%3DHigh", r#"{"task_id":"1","filters":{"severity":">=High"}}"#),
            ("filter=host%3Da&field=host&value=b", r#"{"task_id":"1","filters":{"host":["a","b"]}}"#),
            ("field=host&value=", r#"{"task_id":"1","filters":{"host":""}}"#),
            ("field=&value=b&profile=", r#"{"task_id":"1"}"#),
            ("filter=host", r#"{"task_id":"1","filters":{"host":""}}"#),
        ];
        for (query, expected) in table {
            assert_eq!(Json::Object(Question::parse(query).arguments("1")).to_string(), expected, "{query}");
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
