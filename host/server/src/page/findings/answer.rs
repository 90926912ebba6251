//! The lines of `get_scan_results`, read back.

use scanhost_app::refusal::Refusal;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// One answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// Names and types, in the order of the profile.
    pub fields: Vec<(String, String)>,
    pub filters_applied: Map<String, Json>,
    pub total: u64,
    pub total_pages: u64,
    pub rows: Vec<Map<String, Json>>,
    /// How many rows of the page are missing, and what to skip to get them.
    pub truncated: Option<(u64, u64)>,
    pub page: u64,
    pub next_page: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Schema {
        fields: Vec<String>,
        field_types: Map<String, Json>,
        filters_applied: Map<String, Json>,
        total_vulnerabilities: u64,
        total_pages: u64,
    },
    ScanMetadata {},
    Vulnerability(Map<String, Json>),
    Truncated {
        remaining: u64,
        resume: Resume,
    },
    Pagination {
        page: u64,
        next_page: Option<u64>,
    },
}

#[derive(Deserialize)]
struct Resume {
    skip: u64,
}

impl Answer {
    /// # Errors
    /// When the lines are not what they always are.
    pub fn parse(lines: &str) -> Result<Self, Refusal> {
        let mut answer = Self { page: 1, ..Self::default() };
        for line in lines.lines() {
            let line = serde_json::from_str(line).map_err(|error| Refusal::internal("reading the answer", &error))?;
            match line {
                Line::Schema { fields, field_types, filters_applied, total_vulnerabilities, total_pages } => {
                    let field_type = |name: &String| field_types.get(name).and_then(Json::as_str).unwrap_or("text");
                    answer.fields = fields.iter().map(|name| (name.clone(), field_type(name).to_owned())).collect();
                    answer.filters_applied = filters_applied;
                    (answer.total, answer.total_pages) = (total_vulnerabilities, total_pages);
                }
                Line::ScanMetadata {} => {}
                Line::Vulnerability(row) => answer.rows.push(row),
                Line::Truncated { remaining, resume } => answer.truncated = Some((remaining, resume.skip)),
                Line::Pagination { page, next_page } => (answer.page, answer.next_page) = (page, next_page),
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_an_answer_are_read_back() {
        let lines = r#"{"type":"schema","profile":"p","fields":["host","cvss_score"],"field_types":{"host":"text","cvss_score":"number"},"filters_applied":{"host":"a"},"total_vulnerabilities":7,"total_pages":2}
{"type":"scan_metadata","task_id":null}
{"type":"vulnerability","host":"a","cvss_score":9.8}
{"type":"truncated","returned":1,"remaining":6,"resume":{"page":1,"page_size":10,"skip":1},"resource":null}
{"type":"pagination","page":1,"page_size":10,"total_pages":2,"has_next":true,"next_page":2}"#;
        let answer = Answer::parse(lines).unwrap();
        assert_eq!(
            answer.fields,
            [("host", "text"), ("cvss_score", "number")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!((answer.total, answer.total_pages, answer.page, answer.next_page), (7, 2, 1, Some(2)));
        assert_eq!(answer.rows[0]["cvss_score"], 9.8);
        assert!(!answer.rows[0].contains_key("type"));
        assert_eq!(answer.truncated, Some((6, 1)));
        assert!(Answer::parse("{}").is_err());
    }
}
