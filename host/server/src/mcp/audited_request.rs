//! One request of a client: the check whether its caller may make it now, and its entry in the audit log.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use rmcp::{RoleServer, service::RequestContext};
use scanhost_app::{
    access::{Access, Permit, RetryAfter},
    audit::{Entry, shortened},
    concurrency::CallSlot,
    host::Host,
    refusal::Refusal,
};
use serde_json::{Map, Value as Json};

pub struct AuditedRequest {
    entry: Entry,
    retry_after: Option<RetryAfter>,
    turn: Option<CallSlot>,
}

impl AuditedRequest {
    pub fn new(
        context: &RequestContext<RoleServer>,
        access: &Access,
        action: &str,
        arguments: &Map<String, Json>,
    ) -> Self {
        let parts = context.extensions.get::<http::request::Parts>();
        let peer = parts.and_then(|parts| parts.extensions.get::<ConnectInfo<SocketAddr>>());
        let via = if parts.is_some() { "http" } else { "stdio" };
        let entry = Entry {
            peer: peer.map(|ConnectInfo(peer)| peer.to_string()),
            ..Entry::new(&access.name, via, action, "ok").about(arguments)
        };
        Self {
            entry,
            retry_after: parts.and_then(|parts| parts.extensions.get().cloned()),
            turn: parts.and_then(|parts| parts.extensions.get().cloned()),
        }
    }

    /// Sets the resource that the request is about.
    pub fn of(mut self, resource: &str) -> Self {
        self.entry.resource = Some(shortened(resource));
        self
    }

    /// Checks the caller's rate. A call beyond it is refused as `rate_limited`.
    pub fn permit(&self, host: &Host) -> Result<Permit, Refusal> {
        let limits = host.snapshot.load().config.limits.calls;
        host.callers.permit_call(&self.entry.caller, limits).map_err(|too_much| {
            if let Some(retry_after) = &self.retry_after {
                retry_after.set(too_much);
            }
            Refusal::from(too_much)
        })
    }

    /// Waits for the request's turn. A request over HTTP has waited for it already.
    pub async fn turn(&self, host: &Host) -> CallSlot {
        match &self.turn {
            Some(turn) => turn.clone(),
            None => host.concurrency.next().await,
        }
    }

    /// Records that the caller's token lacks the scope.
    pub fn forbidden(&self, host: &Host) {
        host.audit.note(Entry { outcome: "forbidden", ..self.entry.clone() });
    }

    /// Records that a person is asked first, and that nothing was done yet.
    pub fn asks(self, host: &Host) {
        host.audit.note(Entry { outcome: "input_required", ..self.entry });
    }

    /// Records the outcome, and the scan that it is about.
    pub fn answered(self, host: &Host, reply: Result<Option<&Json>, &Refusal>) {
        host.audit.note(self.entry.answered(reply));
    }
}
