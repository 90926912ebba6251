//! The samples that `/metrics` returns, parsed as Prometheus would.

use std::collections::{BTreeMap, BTreeSet};

use crate::mcp::McpClient;

/// The samples of one scrape.
#[derive(Clone, Debug)]
pub struct Scrape {
    samples: BTreeMap<Series, f64>,
    families: BTreeSet<String>,
}

type Series = (String, BTreeMap<String, String>);

impl Scrape {
    /// Fetches the metrics of the server at this address.
    pub async fn fetch(mcp: &McpClient, url: &str, token: &str) -> Self {
        let response = mcp.http().get(format!("{url}/metrics")).bearer_auth(token).send().await;
        let answer = response.expect("the server answers");
        assert_eq!(answer.status(), 200);
        let media_type = answer.headers()["content-type"].to_str().expect("a media type is text").to_owned();
        assert!(media_type.starts_with("text/plain"), "{media_type}");
        Self::parse(&answer.text().await.expect("metrics are text"))
    }

    pub fn parse(text: &str) -> Self {
        let mut scrape = Self { samples: BTreeMap::new(), families: BTreeSet::new() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                let name = declared.split(' ').next().expect("a type has a name").to_owned();
                assert!(scrape.families.insert(name), "the family is declared twice: {line}");
            } else if !line.starts_with('#') {
                let (series, value) =
                    line.rsplit_once(' ').unwrap_or_else(|| panic!("the line is not a sample: {line}"));
                let value = value.parse().unwrap_or_else(|_| panic!("the value is not a number: {line}"));
                assert!(
                    scrape.samples.insert(parse_series(series), value).is_none(),
                    "the series occurs twice: {line}"
                );
            }
        }
        scrape
    }

    /// The value of a series, whose name and labels are written as in the text format.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.samples.get(&parse_series(series)).copied()
    }

    /// All values that a label of this metric has.
    pub fn labels(&self, metric: &str, label: &str) -> BTreeSet<String> {
        let series = self.samples.keys().filter(|(name, _)| name == metric);
        series.filter_map(|(_, labels)| labels.get(label).cloned()).collect()
    }

    /// The names of all metric families.
    pub fn families(&self) -> &BTreeSet<String> {
        &self.families
    }
}

/// The metric family of a series: the name of a histogram, without the suffix `_bucket`, `_sum` or `_count`.
pub fn metric_family(series: &str) -> &str {
    let name = series.split('{').next().unwrap_or(series);
    ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

fn parse_series(text: &str) -> Series {
    let Some((name, labels)) = text.split_once('{') else { return (text.to_owned(), BTreeMap::new()) };
    let mut found = BTreeMap::new();
    let mut rest = labels.strip_suffix('}').unwrap_or_else(|| panic!("the labels have no end: {text}"));
    while let Some((label, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("the label value has no end: {text}"));
        // In Prometheus an empty label equals a missing one.
        if !value.is_empty() {
            found.insert(label.to_owned(), value.to_owned());
        }
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (name.to_owned(), found)
}
