//! The store: embedded or in Redis.

use super::setting::Setting;
use crate::secret::Secret;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A database file in the data folder.
    Embedded,
    /// A `redis://` or `rediss://` URL. It may carry a password.
    Redis(Secret),
}

impl StoreKind {
    pub(super) fn read(setting: &Setting<'_>) -> Option<Self> {
        let text = setting.text()?;
        if text == "embedded" {
            return Some(Self::Embedded);
        }
        let is_redis = |url: &url::Url| matches!(url.scheme(), "redis" | "rediss") && url.has_host();
        if url::Url::parse(text).is_ok_and(|url| is_redis(&url)) {
            return Some(Self::Redis(Secret::new(text.to_owned())));
        }
        setting.report("must be `embedded` or a URL, `redis://host:port/0` or `rediss://…`");
        None
    }
}

/// The prefix of all keys of one installation in a shared Redis.
pub(super) fn key_prefix(setting: &Setting<'_>) -> Option<String> {
    let text = setting.text()?;
    if text.len() <= 128 && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(text.to_owned());
    }
    setting.report("must be at most 128 visible ASCII characters");
    None
}
