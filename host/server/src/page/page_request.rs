//! One request of a person: who that is, what they may do, and what is written down about it.

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
pub struct Visit {
    pub site: Arc<Site>,
    access: Access,
    peer: Option<String>,
    /// Of a person who logged in.
    pub session: Option<SessionId>,
}

/// What is written down about what was asked for.
#[derive(Clone, Debug, Default)]
pub struct About<'a> {
    pub task_id: Option<&'a str>,
    pub pool: Option<&'a str>,
    pub targets: Option<&'a str>,
}

impl Visit {
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

    /// Whether the tool of that name would be there for them.
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

    /// What the forms of this visit carry: nobody else's page can know it.
    pub fn form_token(&self) -> String {
        form_token::token(self.host(), self.session.as_ref().map_or(&self.access.name, SessionId::as_str))
    }

    /// Lets one piece of work run, in the share that their calls have too.
    ///
    /// # Errors
    /// When they have used it.
    pub fn permit(&self) -> Result<Permit, Refusal> {
        let limits = self.host().snapshot.load().config.limits.calls;
        Ok(self.host().callers.permit_call(&self.access.name, limits)?)
    }

    /// Writes down what came of it.
    pub fn note<T>(&self, action: &str, about: About<'_>, answer: &Result<T, Trouble>) {
        self.note_reply(action, about, answer.as_ref().map(|_| &Json::Null));
    }

    /// The same for a tool, whose reply says more.
    pub fn note_reply(&self, action: &str, about: About<'_>, reply: Result<&Json, &Trouble>) {
        let said = |name: &str| reply.ok().and_then(|reply| reply.get(name)?.as_str()).map(str::to_owned);
        self.host().audit.note(Entry {
            peer: self.peer.clone(),
            task_id: said("task_id").or(about.task_id.map(shortened)),
            scanner_pool: said("scanner_pool").or(about.pool.map(shortened)),
            targets: about.targets.map(shortened),
            trace_id: said("trace_id"),
            ..Entry::new(&self.access.name, VIA, action, reply.err().map_or("ok", Trouble::name))
        });
    }
}

/// The tool behind the form for a new scan.
pub const SUBMIT_TOOL: &str = "run_untrusted_scan";

/// How the audit log says that it came.
const VIA: &str = "page";

/// Writes down what somebody asked for who is not known.
pub fn note_stranger(host: &Host, extensions: &Extensions, action: &str) {
    host.metrics.refused_login();
    tracing::warn!(action, "a person without a valid token");
    let entry = Entry { peer: peer(extensions), ..Entry::new("nobody", VIA, action, "unauthorized") };
    host.audit.note(entry);
}

/// Writes down who has logged in.
pub fn note_login(host: &Host, extensions: &Extensions, name: &str) {
    host.audit.note(Entry { peer: peer(extensions), ..Entry::new(name, VIA, "login", "ok") });
}

fn peer(extensions: &Extensions) -> Option<String> {
    extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|ConnectInfo(peer)| peer.to_string())
}
