//! The only mapping of a refusal to what MCP clients get.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

use crate::refusal::Refusal;

/// A failed call: text only, since structured content would have to fit the tool's output schema.
pub fn to_result(refusal: &Refusal) -> CallToolResult {
    let error = json!({
        "error": { "code": refusal.code.name(), "message": refusal.message, "hint": refusal.hint }
    });
    CallToolResult::error(vec![ContentBlock::text(error.to_string())])
}
