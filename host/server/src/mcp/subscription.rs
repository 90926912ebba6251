//! Tells clients that a resource which they subscribed to has changed: over the stream of a `subscriptions/listen`, or,
//! for clients of the older era, in their session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use rmcp::{
    RoleServer,
    model::{ResourceUpdatedNotificationParam, SubscriptionFilter},
    service::{Peer, SubscriptionSink},
};
use scanhost_app::{
    address::Address,
    host::Host,
    refusal::{ErrorCode, Refusal},
};
use tokio_util::sync::DropGuard;

use super::{resources, tool_changes::ToolChanges};

/// The time between two checks, for changes that come without a wake-up.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The largest number of resources that one client can follow at once.
const MOST: usize = 100;

/// Returns the accepted part of a request: valid addresses, up to the limit.
pub fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let mut accepted = requested.clone();
    if let Some(uris) = &mut accepted.resource_subscriptions {
        uris.retain(|uri| Address::parse(uri).is_ok());
        uris.truncate(MOST);
    }
    accepted
}

/// Notifies the client of changes of these resources, for as long as it is polled.
pub async fn tell_all(host: &Arc<Host>, uris: &[String], sink: &SubscriptionSink) {
    let tell = |uri: &String| {
        let (uri, sink) = (uri.clone(), sink.clone());
        async move {
            let Ok(mut followed) = Followed::new(host, &uri).await else { return };
            loop {
                followed.changed().await;
                if sink.notify_resource_updated(uri.clone()).await.is_err() {
                    return;
                }
            }
        }
    };
    join_all(uris.iter().map(tell)).await;
    // Nothing to tell any more, or nothing from the start: the stream stays open for what else it is for.
    std::future::pending::<()>().await;
}

/// The subscriptions of a session, which end with it.
#[derive(Clone, Default)]
pub struct Subscriptions(Arc<Mutex<Present>>);

/// The notifications that are sent, each until its guard is dropped.
#[derive(Default)]
struct Present {
    resources: HashMap<String, DropGuard>,
    tools: Option<DropGuard>,
}

impl Subscriptions {
    /// Follows a resource and notifies the client of its changes.
    pub async fn add(&self, host: &Arc<Host>, uri: &str, peer: Peer<RoleServer>) -> Result<(), Refusal> {
        let mut followed = Followed::new(host, uri).await?;
        let ended = host.shutdown.child_token();
        {
            let mut present = self.lock();
            let present = &mut present.resources;
            if present.len() >= MOST && !present.contains_key(uri) {
                let hint = "Unsubscribe from some first.";
                return Err(Refusal::new(
                    ErrorCode::Unavailable,
                    format!(
                        "a client can have at most {MOST} \
                    subscriptions"
                    ),
                    hint,
                ));
            }
            present.insert(uri.to_owned(), ended.clone().drop_guard());
        }
        let uri = uri.to_owned();
        host.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = followed.changed() => {}
                    () = ended.cancelled() => return,
                }
                let update = ResourceUpdatedNotificationParam::new(uri.clone());
                if peer.notify_resource_updated(update).await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Notifies the client of a changed tool list, until the session ends.
    pub fn tell_of_tools(&self, host: &Arc<Host>, mut changes: ToolChanges, peer: Peer<RoleServer>) {
        let ended = host.shutdown.child_token();
        self.lock().tools = Some(ended.clone().drop_guard());
        host.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = changes.changed() => {}
                    () = ended.cancelled() => return,
                }
                if peer.notify_tool_list_changed().await.is_err() {
                    return;
                }
            }
        });
    }

    pub fn uris(&self) -> Vec<String> {
        self.lock().resources.keys().cloned().collect()
    }

    pub fn remove(&self, uri: &str) {
        self.lock().resources.remove(uri);
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A resource and what was last seen of it.
struct Followed {
    host: Arc<Host>,
    address: Address,
    seen: Option<String>,
}

impl Followed {
    async fn new(host: &Arc<Host>, uri: &str) -> Result<Self, Refusal> {
        let address = Address::parse(uri)?;
        let seen = Some(resources::state(host, &address).await?);
        Ok(Self { host: host.clone(), address, seen })
    }

    /// Waits until the resource has changed or is gone.
    async fn changed(&mut self) {
        loop {
            let watch = self.address.scan().map(|id| self.host.scans.watch(id));
            let changed = async {
                match &watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::pin!(changed);
            // Registered before the look, so that nothing is missed in between.
            let _not_yet = futures_util::poll!(&mut changed);
            match resources::state(&self.host, &self.address).await {
                Ok(state) if self.seen.as_ref() != Some(&state) => {
                    self.seen = Some(state);
                    return;
                }
                Err(refusal) if refusal.code == ErrorCode::NotFound && self.seen.is_some() => {
                    self.seen = None;
                    return;
                }
                // A store that cannot be read says nothing of the resource.
                Ok(_) | Err(_) => {}
            }
            tokio::select! {
                () = &mut changed => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }
}
