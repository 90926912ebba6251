//! Guests that are loaded into one sandbox, which all tests share.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use scanhost_domain::request::ScanType;
use scanhost_sandbox::{Backend, CallContext, Grants, Limits, NewScan, Profile, Sandbox};

/// Small, so that a guest that misbehaves does not do so for long, and far more than the well-behaved ones need.
pub const LIMITS: Limits = Limits { cpu: Duration::from_millis(300), wall: Duration::from_secs(20), memory: 16 << 20 };

pub fn sandbox() -> Arc<Sandbox> {
    static SANDBOX: OnceLock<Arc<Sandbox>> = OnceLock::new();
    // Compiled code outlives the run of the tests: compiling is most of what they do.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    SANDBOX.get_or_init(|| Sandbox::start(Some(cache)).unwrap()).clone()
}

pub async fn backend(bytes: &[u8], limits: Limits) -> Backend {
    Backend::load(sandbox(), bytes.to_vec(), limits, Grants::ALL).await.unwrap()
}

pub fn profile(bytes: &[u8]) -> Profile {
    Profile::load(sandbox(), bytes, LIMITS).unwrap()
}

/// A call so many seconds after the first.
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
