//! Filters written as `K=V`, on the command line and in the addresses of the page. They mean the same as over MCP.

use std::str::FromStr;

use serde_json::{Map, Value as Json};

/// One filter as `K=V`; the first `=` splits.
#[derive(Clone, Debug)]
pub struct FilterWord {
    key: String,
    value: String,
}

impl FromStr for FilterWord {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let (key, value) = word.split_once('=').ok_or("a filter has the form K=V, such as severity=High")?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// Combines filters; a key that is given twice makes a list.
pub fn combine(words: &[FilterWord]) -> Map<String, Json> {
    let mut filters: Map<String, Json> = Map::new();
    for FilterWord { key, value } in words {
        let value = Json::from(value.as_str());
        match filters.get_mut(key) {
            None => {
                filters.insert(key.clone(), value);
            }
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_equals_sign_splits_and_a_key_given_twice_makes_a_list() {
        let words = ["severity=High", "plugin_name==ssh", "severity=Critical", "cvss_score=>=7", "severity=Low"];
        let words: Vec<FilterWord> = words.iter().map(|word| word.parse().unwrap()).collect();
        let filters = Json::Object(combine(&words)).to_string();
        assert_eq!(filters, r#"{"severity":["High","Critical","Low"],"plugin_name":"=ssh","cvss_score":">=7"}"#);
    }

    #[test]
    fn a_word_without_an_equals_sign_is_refused() {
        assert!("severity".parse::<FilterWord>().is_err());
    }
}
