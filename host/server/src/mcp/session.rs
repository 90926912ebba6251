//! Sessions of the older era, kept in the store, so that any process, also one that has started since, goes on with
//! them: what the client said of itself, and what it follows.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use rmcp::{
    RoleServer,
    model::InitializeRequestParams,
    service::RequestContext,
    transport::streamable_http_server::session::{SessionRestoreMarker, SessionState, SessionStore, SessionStoreError},
};
use scanhost_app::{host::Host, refusal::Refusal};
use scanhost_system::clock;
use serde::{Deserialize, Serialize};

use super::subscription::Subscriptions;

/// How long a session is kept after its last use; agents come back sooner.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The longest id that this server makes.
const LONGEST_ID: usize = 64;

/// A session as it is stored.
#[derive(Serialize, Deserialize)]
struct Kept {
    client: InitializeRequestParams,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<String>,
}

/// The store of sessions for the transport.
pub struct Sessions(Arc<Host>);

impl Sessions {
    pub fn new(host: Arc<Host>) -> Self {
        Self(host)
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        Ok(load(&self.0, id).await?.map(|kept| SessionState::new(kept.client)))
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let kept = Kept { client: state.initialize_params.clone(), subscriptions: Vec::new() };
        Ok(keep(&self.0, id, &kept).await?)
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        Ok(self.0.sessions.delete_session(id).await?)
    }
}

/// Stores the subscriptions of the request's session.
pub async fn note(
    host: &Arc<Host>,
    context: &RequestContext<RoleServer>,
    followed: &Subscriptions,
) -> Result<(), Refusal> {
    let parts = context.extensions.get::<http::request::Parts>();
    let id = parts.and_then(|parts| parts.headers.get("mcp-session-id")).and_then(|id| id.to_str().ok());
    // Over stdio the session ends with the process.
    let Some(id) = id else { return Ok(()) };
    if let Some(mut kept) = load(host, id).await? {
        kept.subscriptions = followed.uris();
        keep(host, id, &kept).await?;
    }
    Ok(())
}

/// Resumes the subscriptions of a restored session.
pub async fn resume(host: &Arc<Host>, context: &RequestContext<RoleServer>, followed: &Subscriptions) {
    let Some(marker) = context.extensions.get::<SessionRestoreMarker>() else { return };
    match load(host, &marker.id).await {
        Ok(Some(kept)) => {
            for uri in &kept.subscriptions {
                // What is gone since cannot be followed any more.
                let _gone = followed.add(host, uri, context.peer.clone()).await;
            }
        }
        Ok(None) => {}
        Err(refusal) => tracing::warn!(reason = refusal.message, "a session's subscriptions could not be read"),
    }
}

async fn load(host: &Arc<Host>, id: &str) -> Result<Option<Kept>, Refusal> {
    if id.len() > LONGEST_ID {
        return Ok(None);
    }
    let kept = host.sessions.session(id, clock::now()).await?;
    let read = kept.map(|kept| serde_json::from_slice(&kept));
    read.transpose().map_err(|error| Refusal::internal("reading a session", &error))
}

async fn keep(host: &Arc<Host>, id: &str, kept: &Kept) -> Result<(), Refusal> {
    let kept = serde_json::to_vec(kept).map_err(|error| Refusal::internal("writing a session", &error))?;
    Ok(host.sessions.put_session(id, &kept, clock::now() + KEPT).await?)
}
