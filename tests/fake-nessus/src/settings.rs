//! The settings of the fake scanner: credentials, edition, durations, and the reports of its scans.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;

/// The settings that a test can choose. By default the scanner is licensed, and a scan takes less than a second.
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
    /// The number of hosts of a scan; by default one for each entry of its targets.
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
    /// The result of a scan is the file of this folder that has the first word of the name of the scan as its name.
    Folder(PathBuf),
    /// Each scan gets a small report of its own, whose findings contain its marker.
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

// The keys are as long as real ones, so that tests of the masking of secrets are realistic.
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
