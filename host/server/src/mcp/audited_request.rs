//! One request of a client on its way: whether its caller may make it now, and its entry in the audit log.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use rmcp::{RoleServer, service::RequestContext};
use scanhost_app::{
    access::{Access, Permit, RetryAfter},
    audit::{Entry, shortened},
    concurrency::Turn,
    host::Host,
    refusal::Refusal,
};
use serde_json::{Map, Value as Json};

pub struct Asked {
    entry: Entry,
    retry_after: Option<RetryAfter>,
    turn: Option<Turn>,
}

impl Asked {
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

    /// The resource that it is about.
    pub fn of(mut self, resource: &str) -> Self {
        self.entry.resource = Some(shortened(resource));
        self
    }

    /// Whether the caller has not used its share yet.
    ///
    /// # Errors
    /// With the code `rate_limited`.
    pub fn permit(&self, host: &Host) -> Result<Permit, Refusal> {
        let limits = host.snapshot.load().config.limits.calls;
        host.callers.permit_call(&self.entry.caller, limits).map_err(|too_much| {
            if let Some(retry_after) = &self.retry_after {
                retry_after.set(too_much);
            }
            Refusal::from(too_much)
        })
    }

    /// Ready when it is this one's turn, which its HTTP request has waited for already.
    pub async fn turn(&self, host: &Host) -> Turn {
        match &self.turn {
            Some(turn) => turn.clone(),
            None => host.turns.next().await,
        }
    }

    /// Notes that the caller's token is not for this.
    pub fn forbidden(&self, host: &Host) {
        host.audit.note(Entry { outcome: "forbidden", ..self.entry.clone() });
    }

    /// Notes that nothing was done yet, since a person is asked first.
    pub fn asks(self, host: &Host) {
        host.audit.note(Entry { outcome: "input_required", ..self.entry });
    }

    /// Notes what came of it, and of which scan that is.
    pub fn answered(self, host: &Host, reply: Result<Option<&Json>, &Refusal>) {
        host.audit.note(self.entry.answered(reply));
    }
}
