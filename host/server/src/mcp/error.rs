//! The only mapping of a refusal to what MCP clients get.

use rmcp::{
    ErrorData,
    model::{CallToolResult, ContentBlock},
};
use scanhost_app::refusal::{ErrorCode, Refusal};
use serde_json::{Value, json};

/// Returns the result of a failed call: text only, since structured content would have to fit the tool's output schema.
pub fn to_result(refusal: &Refusal) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(json!({ "error": parts(refusal) }).to_string())])
}

/// Returns the error of a failed request that is not a tool call.
pub fn to_error(refusal: Refusal) -> ErrorData {
    let (message, data) = (refusal.to_string(), Some(parts(&refusal)));
    match refusal.code {
        ErrorCode::RateLimited | ErrorCode::Unavailable | ErrorCode::Internal => {
            ErrorData::internal_error(message, data)
        }
        ErrorCode::InvalidArgument
        | ErrorCode::TargetNotAllowed
        | ErrorCode::NotFound
        | ErrorCode::NotReady
        | ErrorCode::Conflict
        | ErrorCode::NoScanner => ErrorData::invalid_params(message, data),
    }
}

/// Returns the error of a resource that could not be read.
pub fn of_resource(refusal: Refusal, uri: &str) -> ErrorData {
    if refusal.code == ErrorCode::NotFound {
        let mut data = parts(&refusal);
        data["uri"] = uri.into();
        return ErrorData::resource_not_found(refusal.to_string(), Some(data));
    }
    to_error(refusal)
}

fn parts(refusal: &Refusal) -> Value {
    json!({ "code": refusal.code.name(), "message": refusal.message, "hint": refusal.hint })
}
