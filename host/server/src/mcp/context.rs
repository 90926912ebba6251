//! The context of a request: its caller, the era of its protocol, and the capabilities of its client.

use rmcp::{
    ErrorData, RoleServer,
    model::{Extensions, MetaObject, RequestMetaObject},
    service::RequestContext,
};
use scanhost_app::{
    access::Access,
    refusal::Refusal,
    submit::{Caller, parse_trace},
};
use scanhost_config::Scope;

use super::implementation::implementation;
use crate::request_slot::RequestSlot;

/// Returns what the caller of a request may do.
pub fn access(context: &RequestContext<RoleServer>) -> Access {
    access_in(&context.extensions)
}

/// Returns what the caller may do, from the extensions of a request or a notification.
pub fn access_in(extensions: &Extensions) -> Access {
    let parts = extensions.get::<http::request::Parts>();
    parts.and_then(|parts| parts.extensions.get::<Access>()).cloned().unwrap_or_else(Access::everything)
}

/// Checks that the caller has the scope.
pub fn permit(context: &RequestContext<RoleServer>, scope: Scope) -> Result<(), ErrorData> {
    if access(context).may(scope) {
        Ok(())
    } else {
        Err(ErrorData::invalid_request(
            format!("this needs a token with the scope {}: ask the operator for one", scope.as_str()),
            None,
        ))
    }
}

/// Checks that the request may wait for long. A large one must not, since it would keep the place of another.
pub fn permit_staying(context: &RequestContext<RoleServer>) -> Result<(), Refusal> {
    let parts = context.extensions.get::<http::request::Parts>();
    if parts.is_some_and(|parts| parts.extensions.get::<RequestSlot>().is_some()) {
        let hint = "Leave out arguments that are not needed, and give targets as ranges or CIDRs.";
        return Err(Refusal::invalid(
            "this request waits for a long time, and such a request may have at most 64 KiB",
            hint,
        ));
    }
    Ok(())
}

/// Whether the client speaks a protocol without `initialize`.
pub fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| !version.has_initialize())
}

/// Whether a call may be answered with a task. Clients of the older era may name the extension too, and then
/// do not understand what comes.
pub fn takes_tasks(context: &RequestContext<RoleServer>) -> bool {
    is_stateless(context) && context.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks())
}

/// Whether the client can put a form before a person.
pub fn asks_people(context: &RequestContext<RoleServer>) -> bool {
    let elicitation = context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
    // One that names no way means forms.
    elicitation.is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
}

/// Returns the server's name and version, for clients that learn them from every answer.
pub fn signature(context: &RequestContext<RoleServer>) -> Option<MetaObject> {
    const KEY: &str = "io.modelcontextprotocol/serverInfo";
    is_stateless(context).then(|| {
        let mut meta = MetaObject::default();
        meta.insert(KEY.to_owned(), serde_json::to_value(implementation()).expect("texts are always JSON"));
        meta
    })
}

/// Returns the `_meta` of an answer, together with the server's name and version.
pub fn signed(meta: Option<MetaObject>, signature: Option<MetaObject>) -> Option<MetaObject> {
    let mut meta = meta.unwrap_or_default();
    meta.extend(signature.unwrap_or_default());
    (!meta.is_empty()).then_some(meta)
}

/// Returns the trace id and the idempotency keys of a call.
pub fn caller(context: &RequestContext<RoleServer>, meta: Option<&RequestMetaObject>) -> Caller {
    let parts = context.extensions.get::<http::request::Parts>();
    let header = |name: &str| parts.and_then(|parts| parts.headers.get(name)).and_then(|value| value.to_str().ok());
    let in_meta = meta.and_then(|meta| meta.get_traceparent()).or_else(|| context.meta.get_traceparent());
    Caller {
        trace: parse_trace(in_meta.into_iter().chain(header("traceparent")), header("x-trace-id")),
        idempotency_keys: parts.map(keys).unwrap_or_default(),
    }
}

/// Returns every idempotency key in the headers. One that is not text becomes a value that is refused as a key.
fn keys(parts: &http::request::Parts) -> Vec<String> {
    let keys = parts.headers.get_all("x-idempotency-key").iter();
    keys.map(|value| value.to_str().unwrap_or("\u{fffd}").to_owned()).collect()
}
