//! The sandbox that all tests share, and guests that are loaded into it.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use scanhost_domain::request::ScanType;
use scanhost_sandbox::{Backend, CallContext, Grants, Limits, NewScan, Profile, Sandbox};

/// Limits that end a misbehaving guest soon, and are far above the needs of other guests.
pub const LIMITS: Limits = Limits { cpu: Duration::from_millis(300), wall: Duration::from_secs(20), memory: 16 << 20 };

pub fn sandbox() -> Arc<Sandbox> {
    static SANDBOX: OnceLock<Arc<Sandbox>> = OnceLock::new();
    // The cache is kept between test runs, since compiling takes most of their time.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    SANDBOX.get_or_init(|| Sandbox::start(Some(cache)).unwrap()).clone()
}

pub async fn backend(bytes: &[u8], limits: Limits) -> Backend {
    Backend::load(sandbox(), bytes.to_vec(), limits, Grants::ALL).await.unwrap()
}

pub fn profile(bytes: &[u8]) -> Profile {
    Profile::load(sandbox(), bytes, LIMITS).unwrap()
}

/// The context of a call this many seconds after the first.
pub fn context(seconds: i64, options: &str, state: &[u8]) -> CallContext {
    let first = jiff::Timestamp::new(1_800_000_000, 0).unwrap();
    CallContext {
        now: first + Duration::from_secs(seconds.unsigned_abs()),
        options: options.into(),
        state: state.into(),
        installation: "0123456789abcdef".into(),
    }
}

pub fn first_call() -> CallContext {
    context(0, "{}", b"")
}

pub fn new_scan() -> NewScan {
    NewScan {
        task_id: "01J00000000000000000000000".into(),
        name: "weekly".into(),
        description: "scanhost".into(),
        scan_type: ScanType::Untrusted,
        targets: vec!["192.0.2.0/30".into(), "host.example".into()],
        credential: None,
    }
}
