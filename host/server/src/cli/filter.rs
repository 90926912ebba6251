//! `--filter K=V`: the same filters as over MCP, from words.

use serde_json::{Map, Value as Json};

/// The first `=` splits; a key that is given twice makes a list.
pub fn parse(words: &[String]) -> Result<Map<String, Json>, String> {
    let mut filters: Map<String, Json> = Map::new();
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("--filter {word:?} is not of the form K=V"))?;
        let value = Json::from(value);
        match filters.get_mut(key) {
            None => {
                filters.insert(key.to_owned(), value);
            }
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    Ok(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_equals_sign_splits_and_a_key_given_twice_makes_a_list() {
        let words = ["severity=High", "plugin_name==ssh", "severity=Critical", "cvss_score=>=7", "severity=Low"];
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let filters = Json::Object(parse(&words).unwrap()).to_string();
        assert_eq!(filters, r#"{"severity":["High","Critical","Low"],"plugin_name":"=ssh","cvss_score":">=7"}"#);
    }

    #[test]
    fn a_word_without_an_equals_sign_is_refused() {
        assert!(parse(&["severity".into()]).is_err());
    }
}
