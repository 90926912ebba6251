//! The names of the keys. All begin with the installation's prefix; operators know those of the queues.
//! Scripts build only the names of leases, so one server is needed and a cluster does not work.

use scanhost_domain::ids::{IdempotencyKey, PoolName, ScannerId, TaskId};

pub struct Keys {
    prefix: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// LIST of the scans of a pool that wait.
    pub fn queue(&self, pool: &PoolName) -> String {
        format!("{}{pool}:queue", self.prefix)
    }

    /// ZSET of the scans of a pool that failed, by milliseconds since 1970.
    pub fn dead(&self, pool: &PoolName) -> String {
        format!("{}{pool}:queue:dead", self.prefix)
    }

    /// HASH: the request's `hash`, the scan's `id`, and when it `expires` by the clock of who submitted.
    pub fn idempotency(&self, key: &IdempotencyKey) -> String {
        format!("{}idemp:{}", self.prefix, key.as_str())
    }

    /// HASH: `record`, `revision` and `sequence`; `instance` of a pinned one; `keyed_until` when a key stands for it;
    /// `fence`, `scanner` and `progress` while it runs.
    pub fn scan(&self, id: &TaskId) -> String {
        format!("{}scan:{id}", self.prefix)
    }

    /// The last record of a deleted scan that a key stands for.
    pub fn keyed(&self, id: &TaskId) -> String {
        format!("{}keyed:{id}", self.prefix)
    }

    /// What is stored of a session; it expires.
    pub fn session(&self, id: &str) -> String {
        format!("{}session:{id}", self.prefix)
    }

    /// ZSET of all scans, in the order of their ids.
    pub fn scans(&self) -> String {
        self.named("scans")
    }

    /// SET of the pools that ever had a scan.
    pub fn pools(&self) -> String {
        self.named("pools")
    }

    /// SET of the pools that start nothing new.
    pub fn paused(&self) -> String {
        self.named("paused")
    }

    /// ZSET of the scans that run, by when their lease ends in the server's milliseconds since 1970.
    pub fn running(&self) -> String {
        self.named("running")
    }

    /// ZSET of the scans that a scanner drives, by when their lease ends.
    pub fn lease(&self, scanner: &ScannerId) -> String {
        format!("{}{scanner}", self.leases())
    }

    /// The prefix of the keys of leases.
    pub fn leases(&self) -> String {
        self.named("lease:")
    }

    /// ZSET of completed and cancelled scans, by when their results were last asked for.
    pub fn access(&self) -> String {
        self.named("access")
    }

    /// ZSET of failed and timed out scans, by when their results were last asked for.
    pub fn access_of_failed(&self) -> String {
        self.named("access:failed")
    }

    /// HASH of how many scans wait for a scanner that they are pinned to.
    pub fn pinned(&self) -> String {
        self.named("pinned")
    }

    /// HASH of the number of the claim that last served a pool.
    pub fn served(&self) -> String {
        self.named("served")
    }

    /// HASH of how many scans a pool has started.
    pub fn starts(&self) -> String {
        self.named("starts")
    }

    /// The key that is set while one process probes a scanner whose breaker is open.
    pub fn probe(&self, scanner: &ScannerId) -> String {
        format!("{}probe:{scanner}", self.prefix)
    }

    /// The key that is written to see whether writing works.
    pub fn written(&self) -> String {
        self.named("written")
    }

    /// SET of the scanners that workers have reported on.
    pub fn scanners(&self) -> String {
        self.named("scanners")
    }

    /// A worker's report about the scanner, which expires.
    pub fn report(&self, scanner: &str) -> String {
        format!("{}scanner:{scanner}", self.prefix)
    }

    /// The counter of submits.
    pub fn sequence(&self) -> String {
        self.named("sequence")
    }

    /// The counter of claims.
    pub fn turn(&self) -> String {
        self.named("turn")
    }

    /// The fingerprint of the secrets key.
    pub fn key(&self) -> String {
        self.named("key")
    }

    /// The installation whose data folder all processes share.
    pub fn installation(&self) -> String {
        self.named("installation")
    }

    /// HASH of the scans that deleted tasks left at the scanners: scanner, `/` and remote id → task id.
    pub fn leftovers(&self) -> String {
        self.named("leftovers")
    }

    /// Whether the store is trusted to clean up at the scanners, as JSON.
    pub fn trust(&self) -> String {
        self.named("trust")
    }

    /// The channel on which changes are published.
    pub fn events(&self) -> String {
        self.named("events")
    }
}
