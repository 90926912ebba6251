//! Wake-ups between processes over Redis: a scan has changed, or there may be something to claim.
//! A message may be lost; a waiter looks again by itself, or is woken when the connection is back.

use std::time::Duration;

use redis::{FromRedisValue as _, Value};
use scanhost_domain::ids::TaskId;
use tokio::sync::Notify;

use super::super::watch::{Watch, Watchers};

/// How long a worker sleeps at most before it tries to claim again by itself.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

pub struct Events {
    channel: String,
    watchers: Watchers,
    work: Notify,
}

impl Events {
    pub fn new(channel: String) -> Self {
        Self { channel, watchers: Watchers::default(), work: Notify::new() }
    }

    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Passes on a message: the id of a scan that has changed, or nothing when there may be something to claim.
    pub fn receive(&self, message: Vec<Value>) {
        let Some(Ok(message)) = message.into_iter().nth(1).map(String::from_redis_value) else { return };
        match message.parse::<TaskId>() {
            Ok(id) => self.watchers.changed(&id),
            Err(_) => self.work.notify_one(),
        }
    }

    /// Wakes everyone, since messages may have been missed.
    pub fn resume(&self) {
        self.watchers.all_changed();
        self.work.notify_one();
    }

    pub fn watch(&self, id: &TaskId) -> Watch {
        self.watchers.watch(id)
    }

    pub async fn wait_for_work(&self) {
        // A missed wake-up costs one sleep and no more.
        let _elapsed = tokio::time::timeout(LONGEST_SLEEP, self.work.notified()).await;
    }
}
