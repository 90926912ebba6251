//! Heartbeat and progress of a worker that drives a scan. Neither changes the record.

use std::{sync::LazyLock, time::Duration};

use redis::Script;
use scanhost_domain::{ids::TaskId, scan::Fence};

use super::{super::StoreError, RedisStore};

static LEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lease.lua")));
static PROGRESS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("progress.lua")));

impl RedisStore {
    /// Renews the lease for this time from now, or releases the scan if the time is zero. It returns false if the scan
    /// no longer belongs to this worker.
    pub(super) async fn renew(&self, id: &TaskId, fence: Fence, length: Duration) -> Result<bool, StoreError> {
        let mut script = LEASE.prepare_invoke();
        script
            .arg(self.keys.scan(id))
            .arg(self.keys.leases())
            .arg(self.keys.running())
            .arg(self.keys.events())
            .arg(id.as_str())
            .arg(fence.0)
            .arg(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        self.connection.invoke(&script).await
    }

    pub(super) async fn advance(&self, id: &TaskId, fence: Fence, percent: u8) -> Result<(), StoreError> {
        let mut script = PROGRESS.prepare_invoke();
        script.arg(self.keys.scan(id)).arg(self.keys.events()).arg(id.as_str()).arg(fence.0).arg(percent);
        self.connection.invoke(&script).await
    }
}
