//! Explains bodies that are not messages of MCP: the library gives all of them the same answer, or none.

use std::collections::HashSet;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use rmcp::{
    ErrorData,
    model::{
        CallToolRequestParams, CancelTaskParams, CompleteRequestParams, CustomRequest, ErrorCode,
        GetPromptRequestParams, GetTaskParams, InitializeRequestParams, PaginatedRequestParams,
        ReadResourceRequestParams, SubscribeRequestParams, SubscriptionsListenRequestParams, UnsubscribeRequestParams,
        UpdateTaskParams,
    },
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value as Json, json};

use super::arguments::printable;

/// The media types of answers.
const ANSWERS: [&str; 2] = ["application/json", "text/event-stream"];

/// A longer message gets a general reason.
const SMALL: usize = 4 << 10;

/// Passes messages on, and answers those that the library rejects.
pub async fn explain(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    if accepts_all(&parts.headers) {
        parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    let is_json = essence.trim().eq_ignore_ascii_case(ANSWERS[0]);
    // It was read, and bounded, before.
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    if is_json && let Err(error) = check(&body) {
        return Fault::of_json(&error).into_response();
    }
    let known = Known::of(&body);
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let fault = match response.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE if is_json => Some(Fault::of_message(known)),
        StatusCode::BAD_REQUEST => Fault::of_initialize(&known),
        _ => None,
    };
    fault.map_or(response, Fault::into_response)
}

/// Whether it is JSON, as far as that is seen without taking it apart.
fn check(body: &[u8]) -> Result<(), String> {
    let text = str::from_utf8(body).map_err(|error| error.to_string())?;
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| error.to_string())
}

/// What is kept of a message until there is an answer, which may be in an hour.
enum Known {
    Whole(Bytes),
    /// The beginning of a long message.
    Head {
        id: Json,
        is_batch: bool,
    },
}

impl Known {
    fn of(body: &Bytes) -> Self {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            id: Json,
        }
        if body.len() <= SMALL {
            return Self::Whole(body.clone());
        }
        let head = serde_json::from_slice::<Head>(body);
        Self::Head {
            id: head.map(|head| usable_id(&head.id)).unwrap_or_default(),
            is_batch: body.trim_ascii_start().starts_with(b"["),
        }
    }
}

/// Whether the client takes both kinds of answers, and says so with wildcards, as `curl` does.
fn accepts_all(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: HashSet<String> = texts
        .flat_map(|text| text.split(','))
        .filter_map(|range| range.split(';').next())
        .map(|range| range.trim().to_ascii_lowercase())
        .collect();
    let is_covered = |kind: &str| {
        let family = kind.split('/').next().unwrap_or_default();
        [kind, &format!("{family}/*"), "*/*"].into_iter().any(|range| ranges.contains(range))
    };
    ANSWERS.into_iter().all(is_covered)
}

/// Why a body is no message, in the terms of JSON-RPC.
struct Fault {
    id: Json,
    code: ErrorCode,
    message: String,
}

impl Fault {
    fn of_json(error: &str) -> Self {
        Self { id: Json::Null, code: ErrorCode::PARSE_ERROR, message: format!("this is not JSON: {error}") }
    }

    /// The fault of JSON that is not a message.
    fn of_message(known: Known) -> Self {
        let (id, is_batch) = match known {
            Known::Head { id, is_batch } => (id, is_batch),
            Known::Whole(body) => match serde_json::from_slice::<Json>(&body) {
                Ok(message) => (usable_id(&message["id"]), message.is_array()),
                // Nested too deep, or with half a character.
                Err(error) => return Self::of_json(&error.to_string()),
            },
        };
        let reason = if is_batch {
            "MCP has no batches: send each message by itself"
        } else {
            "this is not a message of MCP: it needs jsonrpc \"2.0\" and a method as text; the id of a request must \
                be text or an integer, and params and their _meta, if present, must be objects"
        };
        Self { id, code: ErrorCode::INVALID_REQUEST, message: reason.to_owned() }
    }

    /// The fault of an `initialize` that the library rejects.
    fn of_initialize(known: &Known) -> Option<Self> {
        let Known::Whole(body) = known else { return None };
        let message: Json = serde_json::from_slice(body).ok()?;
        let method = message["method"].as_str().filter(|method| *method == "initialize")?;
        let reason = wrong_params(method, message.get("params"))?;
        Some(Self { id: usable_id(&message["id"]), code: ErrorCode::INVALID_PARAMS, message: reason })
    }

    fn into_response(self) -> Response {
        let Self { id, code, message } = self;
        let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code.0, "message": message } });
        (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
    }
}

/// Returns the id of the answer, or null if the request's id cannot be one.
fn usable_id(id: &Json) -> Json {
    if id.is_string() || id.is_i64() || id.is_u64() { id.clone() } else { Json::Null }
}

/// The answer to a request that is none that the library knows: of another method, or with other params.
pub fn refusal(request: CustomRequest) -> ErrorData {
    match wrong_params(&request.method, request.params.as_ref()) {
        Some(reason) => ErrorData::invalid_params(reason, None),
        None => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, no_method(&request.method), None),
    }
}

fn no_method(name: &str) -> String {
    format!("there is no method {}", printable(name))
}

/// Returns what is wrong with the params of a method of MCP, without any text from them, which may be a misplaced
/// secret.
fn wrong_params(method: &str, params: Option<&Json>) -> Option<String> {
    let read = match method {
        "initialize" => read::<InitializeRequestParams>,
        "tools/call" => read::<CallToolRequestParams>,
        "resources/read" => read::<ReadResourceRequestParams>,
        "resources/subscribe" => read::<SubscribeRequestParams>,
        "resources/unsubscribe" => read::<UnsubscribeRequestParams>,
        "subscriptions/listen" => read::<SubscriptionsListenRequestParams>,
        "prompts/get" => read::<GetPromptRequestParams>,
        "completion/complete" => read::<CompleteRequestParams>,
        "tasks/get" => read::<GetTaskParams>,
        "tasks/update" => read::<UpdateTaskParams>,
        "tasks/cancel" => read::<CancelTaskParams>,
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            read::<Option<PaginatedRequestParams>>
        }
        _ => return None,
    };
    let params = params.cloned().unwrap_or_default();
    let wrong = read(params.clone()).err()?;
    // The names of fields are the protocol's.
    let reason = if wrong.reason.starts_with("missing field") {
        wrong.reason
    } else {
        let shown = read(without_texts(params)).err();
        let same = shown.filter(|shown| shown.place == wrong.place && shown.reason.starts_with("invalid type"));
        same.map_or_else(|| "not a value that MCP allows here".to_owned(), |shown| shown.reason)
    };
    Some(format!("params of {method}: {}{reason}", wrong.place))
}

/// Why params cannot be read, and where in them.
struct Wrong {
    place: String,
    reason: String,
}

fn read<T: DeserializeOwned>(params: Json) -> Result<(), Wrong> {
    let read = serde_path_to_error::deserialize::<_, T>(params);
    read.map(drop).map_err(|error| {
        let path = error.path().to_string();
        // A point is all of it.
        let place = if path == "." { String::new() } else { format!("{}: ", printable(&path)) };
        Wrong { place, reason: error.inner().to_string() }
    })
}

/// Returns the value with every text in it replaced by a meaningless one.
fn without_texts(json: Json) -> Json {
    match json {
        Json::String(_) => "…".into(),
        Json::Array(items) => items.into_iter().map(without_texts).collect(),
        Json::Object(fields) => fields.into_iter().map(|(name, value)| (name, without_texts(value))).collect(),
        other => other,
    }
}
