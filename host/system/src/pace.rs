//! The waits by which one party takes another for gone, or leaves it alone for a while. A test can shorten all of them at
//! once, in builds with debug assertions.

use std::{sync::LazyLock, time::Duration};

/// How many times shorter the waits are.
const VARIABLE: &str = "SCANHOST_HASTE";

static HASTE: LazyLock<u32> = LazyLock::new(|| {
    let haste = if cfg!(debug_assertions) { std::env::var(VARIABLE).ok() } else { None };
    haste.and_then(|text| text.parse().ok()).filter(|haste| *haste > 0).unwrap_or(1)
});

/// The wait as this process keeps it.
pub fn paced(usual: Duration) -> Duration {
    usual / *HASTE
}
