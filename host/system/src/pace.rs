//! The waits after which a party counts as gone, or during which it is left alone. A test can shorten all of them at
//! once, in builds with debug assertions.

use std::{sync::LazyLock, time::Duration};

/// The variable that says how many times shorter the waits are.
const VARIABLE: &str = "SCANHOST_HASTE";

static HASTE: LazyLock<u32> = LazyLock::new(|| {
    let haste = if cfg!(debug_assertions) { std::env::var(VARIABLE).ok() } else { None };
    haste.and_then(|text| text.parse().ok()).filter(|haste| *haste > 0).unwrap_or(1)
});

/// The wait, shortened by the factor of this process.
pub fn paced(usual: Duration) -> Duration {
    usual / *HASTE
}
