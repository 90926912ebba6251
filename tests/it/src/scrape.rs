//! What `/metrics` says, read as a scraper would.

use std::collections::{BTreeMap, BTreeSet};

use crate::mcp::Mcp;

/// The samples of one scrape.
#[derive(Clone, Debug)]
pub struct Scrape {
    samples: BTreeMap<Series, f64>,
    families: BTreeSet<String>,
}

type Series = (String, BTreeMap<String, String>);

impl Scrape {
    /// Asks the server at this address.
    pub async fn of(mcp: &Mcp, url: &str, token: &str) -> Self {
        let asked = mcp.http().get(format!("{url}/metrics")).bearer_auth(token).send().await;
        let answer = asked.expect("the server answers");
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
                assert!(scrape.families.insert(name), "declared twice: {line}");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
                let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
                assert!(scrape.samples.insert(read_series(series), value).is_none(), "twice: {line}");
            }
        }
        scrape
    }

    /// The value of a series, written as in the text.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.samples.get(&read_series(series)).copied()
    }

    /// All values of a label of a metric.
    pub fn labels(&self, metric: &str, label: &str) -> BTreeSet<String> {
        let series = self.samples.keys().filter(|(name, _)| name == metric);
        series.filter_map(|(_, labels)| labels.get(label).cloned()).collect()
    }

    /// Names of all metrics; a histogram's without the endings of its parts.
    pub fn families(&self) -> &BTreeSet<String> {
        &self.families
    }
}

/// The metric that a series belongs to: a histogram's parts have endings of their own.
pub fn family(series: &str) -> &str {
    let name = series.split('{').next().unwrap_or(series);
    ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn read_series(text: &str) -> Series {
    let Some((name, labels)) = text.split_once('{') else { return (text.to_owned(), BTreeMap::new()) };
    let mut found = BTreeMap::new();
    let mut rest = labels.strip_suffix('}').unwrap_or_else(|| panic!("labels without an end: {text}"));
    while let Some((label, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("a value without an end: {text}"));
        // An empty label is the same as none.
        if !value.is_empty() {
            found.insert(label.to_owned(), value.to_owned());
        }
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (name.to_owned(), found)
}
