//! What kind of scanner to be: its credentials, its edition, how long things take, what its scans find.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;

/// Everything that a test chooses. The defaults are a licensed scanner that is done within a second.
#[derive(Clone, Debug)]
pub struct Settings {
    pub reports: Reports,
    /// How long a launched scan is `pending`.
    pub queue_duration: Duration,
    /// How long it is `running` after that.
    pub scan_duration: Duration,
    /// How long it is `pausing`, `resuming` or `stopping`.
    pub settle_duration: Duration,
    /// How long an export is `loading`.
    pub export_duration: Duration,
    /// Hosts in a scan's progress; by default one for each entry of its targets.
    pub hosts: Option<usize>,
    pub api_keys: Option<ApiKeys>,
    pub login: Option<Login>,
    /// A session ends after this many requests; by default never.
    pub session_requests: Option<u32>,
    /// The licence feature without which every write is answered with 412.
    pub scan_api: bool,
    /// The uuid of the template named `advanced`, which is not the same on every installation.
    pub advanced_template: String,
}

#[derive(Clone, Debug)]
pub enum Reports {
    /// These bytes are the result of every scan.
    Same(Bytes),
    /// The file of this folder that the first word of a scan's name names is its result.
    Folder(PathBuf),
    /// Each scan gets a small report of its own, whose findings name its marker.
    Generated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeys {
    pub access: String,
    pub secret: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reports: Reports::Generated,
            queue_duration: Duration::from_millis(50),
            scan_duration: Duration::from_millis(500),
            settle_duration: Duration::from_millis(100),
            export_duration: Duration::from_millis(50),
            hosts: None,
            api_keys: Some(ApiKeys::default()),
            login: Some(Login::default()),
            session_requests: None,
            scan_api: true,
            advanced_template: "ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66".to_owned(),
        }
    }
}

// As long as real keys are, so that what strikes secrets from texts is tried on them.
impl Default for ApiKeys {
    fn default() -> Self {
        Self { access: "fa".repeat(32), secret: "5e".repeat(32) }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self { username: "operator".to_owned(), password: "fake-nessus-password".to_owned() }
    }
}
