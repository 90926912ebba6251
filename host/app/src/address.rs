//! The addresses of resources: `scan://`, `scanner://` and `profile://`.

use std::fmt;

use scanhost_domain::ids::TaskId;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::{
    find,
    refusal::{ErrorCode, Refusal},
};

#[cfg(test)]
mod tests;

const HINT: &str = "Addresses are scan://{task_id}, scan://{task_id}/results, scan://{task_id}/report, \
    scanner://{pool}/{instance} and profile://{name}; resources/list shows some.";

/// The address of a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    Scan(TaskId),
    /// Findings, with the arguments that `get_scan_results` takes beside the scan's id.
    Results(TaskId, Map<String, Json>),
    Report(TaskId),
    Scanner {
        pool: String,
        instance: String,
    },
    Profile(String),
}

impl Address {
    /// Parses an address.
    pub fn parse(uri: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(ErrorCode::NotFound, "there is no such resource", HINT);
        let url = Url::parse(uri.trim()).map_err(|_| unknown())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(unknown)?;
        let path: Vec<&str> = url.path().split('/').skip(1).filter(|part| !part.is_empty()).collect();
        let address = match (url.scheme(), path.as_slice()) {
            ("scan", []) => Self::Scan(find::parse(host)?),
            ("scan", ["results"]) => return Ok(Self::Results(find::parse(host)?, arguments(&url)?)),
            ("scan", ["report"]) => Self::Report(find::parse(host)?),
            ("scanner", [instance]) => Self::Scanner { pool: host.to_owned(), instance: (*instance).to_owned() },
            ("profile", []) => Self::Profile(host.to_owned()),
            _ => return Err(unknown()),
        };
        if url.query().is_some() {
            return Err(Refusal::invalid("only scan://{task_id}/results takes parameters", HINT));
        }
        Ok(address)
    }

    /// The scan that the address is about.
    pub fn scan(&self) -> Option<&TaskId> {
        match self {
            Self::Scan(id) | Self::Results(id, _) | Self::Report(id) => Some(id),
            Self::Scanner { .. } | Self::Profile(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan(id) => write!(f, "scan://{id}"),
            Self::Results(id, arguments) if arguments.is_empty() => write!(f, "scan://{id}/results"),
            Self::Results(id, arguments) => write!(f, "scan://{id}/results?{}", query(arguments)),
            Self::Report(id) => write!(f, "scan://{id}/report"),
            Self::Scanner { pool, instance } => write!(f, "scanner://{pool}/{instance}"),
            Self::Profile(name) => write!(f, "profile://{name}"),
        }
    }
}

/// The query as arguments of the tool, which checks them.
fn arguments(url: &Url) -> Result<Map<String, Json>, Refusal> {
    let mut arguments = Map::new();
    for (name, text) in url.query_pairs().filter(|(_, text)| !text.is_empty()) {
        let value = match name.as_ref() {
            "page" | "page_size" | "skip" => text.parse::<i64>().map_or_else(|_| Json::from(text.as_ref()), Json::from),
            "custom_fields" => text.split(',').map(str::trim).collect(),
            "filters" => serde_json::from_str(&text).map_err(|_| {
                Refusal::invalid("filters is not JSON", "Give a JSON object of field: value, percent-encoded.")
            })?,
            _ => Json::from(text.as_ref()),
        };
        if arguments.insert(name.clone().into_owned(), value).is_some() {
            return Err(Refusal::invalid("a parameter is given twice", "Give each parameter once."));
        }
    }
    Ok(arguments)
}

/// Writes the arguments as a query.
fn query(arguments: &Map<String, Json>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in arguments {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Array(items) => items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        query.append_pair(name, &text);
    }
    query.finish()
}
