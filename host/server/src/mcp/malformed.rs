//! What is no message of MCP, and what to say of it: the library knows one answer to all of that, or none.

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
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value as Json, json};

/// What an answer may be, as the protocol has it.
const ANSWERS: [&str; 2] = ["application/json", "text/event-stream"];

/// Of a longer message the reason is told in general.
const SMALL: usize = 4 << 10;

/// Passes messages on, and answers for the library what it takes for none.
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
    if is_json && let Err(error) = serde_json::from_slice::<IgnoredAny>(&body) {
        let message = format!("this is not JSON: {error}");
        return Fault { id: Json::Null, code: ErrorCode::PARSE_ERROR, message }.into_response();
    }
    // Kept until there is an answer, which may be in an hour.
    let known = if body.len() <= SMALL { body.clone() } else { Bytes::new() };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let fault = match response.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE if is_json => Some(Fault::of_message(&known)),
        StatusCode::BAD_REQUEST => Fault::of_initialize(&known),
        _ => None,
    };
    fault.map_or(response, Fault::into_response)
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
    /// JSON that is no message.
    fn of_message(body: &[u8]) -> Self {
        let message: Json = serde_json::from_slice(body).unwrap_or_default();
        let reason = if message.is_array() {
            "MCP has no batches: send each message by itself"
        } else {
            "this is not a message of MCP: it has a jsonrpc of \"2.0\", a method that is text, for a request an id that \
             is text or an integer, and params, where it has any, that are an object, as is their _meta"
        };
        Self { id: id_of(&message), code: ErrorCode::INVALID_REQUEST, message: reason.to_owned() }
    }

    /// An `initialize` that the library does not take for one.
    fn of_initialize(body: &[u8]) -> Option<Self> {
        let message: Json = serde_json::from_slice(body).ok()?;
        let method = message["method"].as_str().filter(|method| *method == "initialize")?;
        let reason = wrong_params(method, message.get("params"))?;
        Some(Self { id: id_of(&message), code: ErrorCode::INVALID_PARAMS, message: reason })
    }

    fn into_response(self) -> Response {
        let Self { id, code, message } = self;
        let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code.0, "message": message } });
        (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
    }
}

/// What an answer to it would be told by.
fn id_of(message: &Json) -> Json {
    let id = message.get("id").filter(|id| id.is_string() || id.is_i64() || id.is_u64());
    id.cloned().unwrap_or_default()
}

/// The answer to a request that is none that the library knows: of another method, or with other params.
pub fn refusal(request: CustomRequest) -> ErrorData {
    match wrong_params(&request.method, request.params.as_ref()) {
        Some(reason) => ErrorData::invalid_params(reason, None),
        None => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("there is no method {}", request.method), None),
    }
}

/// What is wrong with the params of a method of MCP.
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
    read(params.cloned().unwrap_or_default()).err().map(|error| format!("params of {method}: {error}"))
}

fn read<T: DeserializeOwned>(params: Json) -> Result<(), serde_json::Error> {
    serde_json::from_value::<T>(params).map(drop)
}
