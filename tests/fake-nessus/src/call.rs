//! The operation that a request asks for, parsed from its method and path.

use axum::http::{Method, Uri};
use serde::{Deserialize, Serialize};

use crate::{export::ExportKey, scan::ScanId};

/// The operations of the API, by which faults and records refer to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Login,
    Logout,
    Session,
    ServerStatus,
    ServerProperties,
    Templates,
    Policies,
    Folders,
    Scanners,
    Create,
    List,
    Status,
    Launch,
    Pause,
    Resume,
    Stop,
    /// Moves a scan to another folder, such as the trash.
    Move,
    Delete,
    Export,
    ExportStatus,
    Download,
    /// A request for a path that this server does not have.
    Unknown,
}

impl Operation {
    /// Whether the operation needs no login.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Login | Self::ServerStatus | Self::ServerProperties)
    }

    /// Whether an edition without `scan_api` refuses the operation. An export is a `POST`, but not a write.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Launch | Self::Pause | Self::Resume | Self::Stop | Self::Move | Self::Delete
        )
    }
}

/// An operation together with the scan or the export that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Login,
    Logout,
    Session,
    ServerStatus,
    ServerProperties,
    Templates,
    Policies,
    Folders,
    Scanners,
    Create,
    List { folder: Option<u64> },
    Status(ScanId),
    Launch(ScanId),
    Pause(ScanId),
    Resume(ScanId),
    Stop(ScanId),
    Move(ScanId),
    Delete(ScanId),
    Export(ScanId),
    ExportStatus(ExportKey),
    Download(ExportKey),
    Unknown,
}

impl Call {
    pub fn parse(method: &Method, uri: &Uri) -> Self {
        let segments: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        Self::parse_segments(method.as_str(), &segments, uri.query()).unwrap_or(Self::Unknown)
    }

    /// Returns `None` if there is no such path, or if an id is not a number.
    fn parse_segments(method: &str, segments: &[&str], query: Option<&str>) -> Option<Self> {
        let scan = |id: &str| id.parse().ok().map(ScanId);
        let file = |scan_id: &str, file: &str| Some(ExportKey::File(scan(scan_id)?, file.parse().ok()?));
        let token = |token: &str| ExportKey::Token(token.to_owned());
        Some(match (method, segments) {
            ("POST", ["session"]) => Self::Login,
            ("DELETE", ["session"]) => Self::Logout,
            ("GET", ["session"]) => Self::Session,
            ("GET", ["server", "status"]) => Self::ServerStatus,
            ("GET", ["server", "properties"]) => Self::ServerProperties,
            ("GET", ["editor", "scan", "templates"]) => Self::Templates,
            ("GET", ["policies"]) => Self::Policies,
            ("GET", ["folders"]) => Self::Folders,
            ("GET", ["scanners"]) => Self::Scanners,
            ("POST", ["scans"]) => Self::Create,
            ("GET", ["scans"]) => Self::List { folder: folder_of(query) },
            ("GET", ["scans", id]) => Self::Status(scan(id)?),
            ("DELETE", ["scans", id]) => Self::Delete(scan(id)?),
            ("POST", ["scans", id, "launch"]) => Self::Launch(scan(id)?),
            ("POST", ["scans", id, "pause"]) => Self::Pause(scan(id)?),
            ("POST", ["scans", id, "resume"]) => Self::Resume(scan(id)?),
            ("POST", ["scans", id, "stop"]) => Self::Stop(scan(id)?),
            ("PUT", ["scans", id, "folder"]) => Self::Move(scan(id)?),
            ("POST", ["scans", id, "export"]) => Self::Export(scan(id)?),
            ("GET", ["scans", id, "export", number, "status"]) => Self::ExportStatus(file(id, number)?),
            ("GET", ["scans", id, "export", number, "download"]) => Self::Download(file(id, number)?),
            ("GET", ["tokens", text, "status"]) => Self::ExportStatus(token(text)),
            ("GET", ["tokens", text, "download"]) => Self::Download(token(text)),
            _ => return None,
        })
    }

    pub fn operation(&self) -> Operation {
        match self {
            Self::Login => Operation::Login,
            Self::Logout => Operation::Logout,
            Self::Session => Operation::Session,
            Self::ServerStatus => Operation::ServerStatus,
            Self::ServerProperties => Operation::ServerProperties,
            Self::Templates => Operation::Templates,
            Self::Policies => Operation::Policies,
            Self::Folders => Operation::Folders,
            Self::Scanners => Operation::Scanners,
            Self::Create => Operation::Create,
            Self::List { .. } => Operation::List,
            Self::Status(_) => Operation::Status,
            Self::Launch(_) => Operation::Launch,
            Self::Pause(_) => Operation::Pause,
            Self::Resume(_) => Operation::Resume,
            Self::Stop(_) => Operation::Stop,
            Self::Move(_) => Operation::Move,
            Self::Delete(_) => Operation::Delete,
            Self::Export(_) => Operation::Export,
            Self::ExportStatus(_) => Operation::ExportStatus,
            Self::Download(_) => Operation::Download,
            Self::Unknown => Operation::Unknown,
        }
    }

    /// The scan that the path names, if it names one.
    pub fn scan(&self) -> Option<ScanId> {
        match self {
            Self::Status(id)
            | Self::Launch(id)
            | Self::Pause(id)
            | Self::Resume(id)
            | Self::Stop(id)
            | Self::Move(id)
            | Self::Delete(id)
            | Self::Export(id)
            | Self::ExportStatus(ExportKey::File(id, _))
            | Self::Download(ExportKey::File(id, _)) => Some(*id),
            _ => None,
        }
    }

    /// The export token that the path names, if it names one.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::ExportStatus(ExportKey::Token(token)) | Self::Download(ExportKey::Token(token)) => Some(token),
            _ => None,
        }
    }
}

fn folder_of(query: Option<&str>) -> Option<u64> {
    query?.split('&').find_map(|pair| pair.strip_prefix("folder_id="))?.parse().ok()
}
