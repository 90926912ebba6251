//! Notices that the tools which a client sees have changed, as only a change of the configuration can do.

use std::sync::Arc;

use rmcp::model::Tool;
use scanhost_app::access::Access;
use tokio::sync::watch;

use super::offered::Offered;

pub struct ToolChanges {
    offered: Arc<Offered>,
    /// The name of the caller's token.
    caller: String,
    generations: watch::Receiver<u64>,
    seen: Vec<Tool>,
}

impl ToolChanges {
    pub fn new(offered: Arc<Offered>, access: &Access) -> Self {
        let generations = offered.host().reloads.generations();
        let seen = offered.tools(access);
        Self { offered, caller: access.name.clone(), generations, seen }
    }

    /// Waits until the list has changed. Most changes of the configuration do not change it.
    pub async fn changed(&mut self) {
        loop {
            if self.generations.changed().await.is_err() {
                // Nothing changes any more.
                std::future::pending::<()>().await;
            }
            // Its token may have other scopes now.
            let access = Access::now(&self.caller, &self.offered.host().snapshot.load().config.tokens);
            let now = self.offered.tools(&access);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}
