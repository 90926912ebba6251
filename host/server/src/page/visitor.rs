//! The visitor behind one request to the page: who it is, what they may do, and what the audit log gets.

use std::sync::Arc;

use axum::{extract::ConnectInfo, http::Extensions};
use scanhost_app::{
    access::{Access, Permit},
    audit::{Entry, shortened},
    host::Host,
    refusal::Refusal,
};
use scanhost_config::Scope;
use serde_json::Value as Json;

use super::{form_token, session::SessionId, site::Site, trouble::Trouble};

#[derive(Clone)]
pub struct Visitor {
    pub site: Arc<Site>,
    access: Access,
    peer: Option<String>,
    /// The session of a person who logged in.
    pub session: Option<SessionId>,
}

/// What the audit log says about a request, beyond its action.
#[derive(Clone, Debug, Default)]
pub struct AuditDetails<'a> {
    pub task_id: Option<&'a str>,
    pub pool: Option<&'a str>,
    pub targets: Option<&'a str>,
}

impl Visitor {
    pub fn new(site: Arc<Site>, access: Access, session: Option<SessionId>, extensions: &Extensions) -> Self {
        Self { site, access, peer: peer(extensions), session }
    }

    pub fn host(&self) -> &Arc<Host> {
        &self.site.host
    }

    pub fn name(&self) -> &str {
        &self.access.name
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.access.may(scope)
    }

    /// Whether they may call the tool of that name.
    pub fn may_call(&self, tool: &str) -> bool {
        self.site.offered.may(&self.access, tool)
    }

    /// Whether they may submit scans from the network.
    pub fn may_submit(&self) -> bool {
        self.may_call(SUBMIT_TOOL)
    }

    /// Whether they may pause a pool, for which there is no tool.
    pub fn may_pause(&self) -> bool {
        self.may(Scope::Admin) && self.site.offered.changes()
    }

    /// The token of this visitor's forms, which no other page can know.
    pub fn form_token(&self) -> String {
        form_token::token(self.host(), self.session.as_ref().map_or(&self.access.name, SessionId::as_str))
    }

    /// Permits one piece of work. It counts towards the same limits as calls with this token.
    pub fn permit(&self) -> Result<Permit, Refusal> {
        let limits = self.host().snapshot.load().config.limits.calls;
        Ok(self.host().callers.permit_call(&self.access.name, limits)?)
    }

    /// Records the outcome of an action in the audit log.
    pub fn note<T>(&self, action: &str, details: AuditDetails<'_>, answer: &Result<T, Trouble>) {
        self.note_reply(action, details, answer.as_ref().map(|_| &Json::Null));
    }

    /// Records the outcome of a tool in the audit log, with what its reply adds.
    pub fn note_reply(&self, action: &str, details: AuditDetails<'_>, reply: Result<&Json, &Trouble>) {
        let text = |name: &str| reply.ok().and_then(|reply| reply.get(name)?.as_str()).map(str::to_owned);
        self.host().audit.note(Entry {
            peer: self.peer.clone(),
            task_id: text("task_id").or(details.task_id.map(shortened)),
            scanner_pool: text("scanner_pool").or(details.pool.map(shortened)),
            targets: details.targets.map(shortened),
            trace_id: text("trace_id"),
            ..Entry::new(&self.access.name, VIA, action, reply.err().map_or("ok", Trouble::name))
        });
    }
}

/// The tool behind the form for a new scan.
pub const SUBMIT_TOOL: &str = "run_untrusted_scan";

/// What the audit log says about the way that the request came.
const VIA: &str = "page";

/// Records a request of an unauthenticated caller in the audit log.
pub fn note_unauthenticated(host: &Host, extensions: &Extensions, action: &str) {
    host.metrics.refused_login();
    tracing::warn!(action, "a request to the page without a valid token");
    let entry = Entry { peer: peer(extensions), ..Entry::new("nobody", VIA, action, "unauthorized") };
    host.audit.note(entry);
}

/// Records a login in the audit log.
pub fn note_login(host: &Host, extensions: &Extensions, name: &str) {
    host.audit.note(Entry { peer: peer(extensions), ..Entry::new(name, VIA, "login", "ok") });
}

fn peer(extensions: &Extensions) -> Option<String> {
    extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|ConnectInfo(peer)| peer.to_string())
}
