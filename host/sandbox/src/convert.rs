//! Converts what comes out of a guest, which is untrusted: it is bounded and turned into our own types, or refused.

use scanhost_domain::{
    field::{FieldType, standard},
    ids::{BackendName, TaskId},
    request::ScanType,
    scan::AuthenticationStatus,
};

use crate::{
    bindings::backend::{
        exports::scanhost::backend::{reader, scanner},
        scanhost::backend::types,
    },
    call_context::CallContext,
};

const MAX_STATE: usize = 64 << 10;
const MAX_ID: usize = 256;
const MAX_CURSOR: usize = 4 << 10;
const MAX_LINE: usize = 500;
const MAX_WARNINGS: usize = 100;
const MAX_FIELDS: usize = 4_096;
const MAX_LISTED: usize = 10_000;

/// What a backend is.
#[derive(Clone, Debug)]
pub struct BackendDescription {
    pub name: BackendName,
    pub version: String,
    pub report_extension: String,
    pub state_version: u32,
    pub resumable: bool,
    pub scan_types: Vec<ScanType>,
    pub auth: Vec<AuthScheme>,
    /// Name, type and description of the fields beyond the standard ones.
    pub fields: Vec<(String, FieldType, String)>,
}

/// A way to authenticate at a scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    Keys(KeyAuth),
    Session(SessionAuth),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAuth {
    pub header: String,
    pub template: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAuth {
    pub login_path: String,
    pub login_body: String,
    pub token_pointer: String,
    pub header: String,
    pub template: String,
    pub logout_path: Option<String>,
}

/// A scan as its scanner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteScan {
    pub id: String,
    pub state: Vec<u8>,
}

/// A scan at its scanner that was made for a task of this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedScan {
    pub id: String,
    pub task: TaskId,
    pub is_running: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteState {
    Created,
    /// Percent, as the guest says; the world asks for 0 to 100.
    Running(u8),
    Completed,
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanStatus {
    pub state: RemoteState,
    pub next_state: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportStep {
    Pending { cursor: String, retry_after: std::time::Duration },
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerHealth {
    pub ready: bool,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportInfo {
    pub name: Option<String>,
    pub targets: Option<String>,
    pub hosts: u32,
    pub authentication: AuthenticationStatus,
    pub warnings: Vec<ReportWarning>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportWarning {
    pub code: String,
    pub message: String,
}

/// The report cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct ParseFailure {
    pub message: String,
    /// Bytes from the start of the file.
    pub offset: u64,
}

pub fn context(context: CallContext) -> types::Context {
    types::Context {
        now_ms: u64::try_from(context.now.as_millisecond()).unwrap_or(0),
        options: context.options,
        state: context.state,
        installation: context.installation,
    }
}

pub fn scan_type(scan_type: ScanType) -> types::ScanType {
    match scan_type {
        ScanType::Untrusted => types::ScanType::Untrusted,
        ScanType::Trusted => types::ScanType::Trusted,
        ScanType::Privileged => types::ScanType::Privileged,
    }
}

pub fn description(description: scanner::Description) -> Result<BackendDescription, String> {
    let name = BackendName::try_from(description.name).map_err(|error| error.to_string())?;
    let is_number = |part: &str| !part.is_empty() && part.len() < 10 && part.bytes().all(|b| b.is_ascii_digit());
    let version = description.version;
    if version.split('.').count() != 3 || !version.split('.').all(is_number) {
        return Err("its version is not MAJOR.MINOR.PATCH".into());
    }
    let extension = description.report_extension;
    if !(1..=16).contains(&extension.len()) || !extension.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err("its report extension is not 1 to 16 letters and digits".into());
    }
    if description.fields.len() > MAX_FIELDS {
        return Err(format!("it describes more than {MAX_FIELDS} fields"));
    }
    let fields = description.fields.into_iter().map(field).collect::<Result<_, _>>()?;
    Ok(BackendDescription {
        name,
        version,
        report_extension: extension,
        state_version: description.state_version,
        resumable: description.resumable,
        scan_types: description.scan_types.into_iter().map(domain_scan_type).collect(),
        auth: description.auth.into_iter().map(auth_scheme).collect(),
        fields,
    })
}

fn field(field: scanner::Field) -> Result<(String, FieldType, String), String> {
    permit_field_name(&field.name)?;
    let field_type = field_type(field.type_);
    if standard(&field.name).is_some_and(|standard| standard.field_type != field_type) {
        return Err(format!("its field `{}` has another type than the standard field of that name", field.name));
    }
    Ok((field.name, field_type, line(field.description)))
}

/// Checks that a field may have this name.
pub fn permit_field_name(name: &str) -> Result<(), String> {
    if (1..=128).contains(&name.len()) && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err("a field's name is not 1 to 128 bytes without control characters".into())
    }
}

fn field_type(field_type: types::FieldType) -> FieldType {
    match field_type {
        types::FieldType::Text => FieldType::Text,
        types::FieldType::Integer => FieldType::Integer,
        types::FieldType::Number => FieldType::Number,
        types::FieldType::Boolean => FieldType::Boolean,
        types::FieldType::TextList => FieldType::List,
        types::FieldType::Severity => FieldType::Severity,
    }
}

fn domain_scan_type(scan_type: types::ScanType) -> ScanType {
    match scan_type {
        types::ScanType::Untrusted => ScanType::Untrusted,
        types::ScanType::Trusted => ScanType::Trusted,
        types::ScanType::Privileged => ScanType::Privileged,
    }
}

fn auth_scheme(scheme: scanner::AuthScheme) -> AuthScheme {
    match scheme {
        scanner::AuthScheme::Keys(keys) => AuthScheme::Keys(KeyAuth { header: keys.header, template: keys.template }),
        scanner::AuthScheme::Session(session) => AuthScheme::Session(SessionAuth {
            login_path: session.login_path,
            login_body: session.login_body,
            token_pointer: session.token_pointer,
            header: session.header,
            template: session.template,
            logout_path: session.logout_path,
        }),
    }
}

pub fn remote_scan(remote: scanner::RemoteScan) -> Result<RemoteScan, String> {
    Ok(RemoteScan { id: remote_id(remote.id)?, state: state(remote.state)? })
}

fn remote_id(id: String) -> Result<String, String> {
    if (1..=MAX_ID).contains(&id.len()) && !id.chars().any(char::is_control) {
        Ok(id)
    } else {
        Err(format!("the remote scan's id is not 1 to {MAX_ID} bytes without control characters"))
    }
}

pub fn listed_scans(scans: Vec<scanner::ListedScan>) -> Result<Vec<ListedScan>, String> {
    if scans.len() > MAX_LISTED {
        return Err(format!("it lists more than {MAX_LISTED} scans"));
    }
    // Anyone at the scanner may give a scan a name like ours, so a scan without a valid task id is not ours.
    let ours =
        scans.into_iter().filter_map(|scan| Some((TaskId::try_from(scan.task_id).ok()?, scan.id, scan.is_running)));
    ours.map(|(task, id, is_running)| Ok(ListedScan { id: remote_id(id)?, task, is_running })).collect()
}

pub fn state(state: Vec<u8>) -> Result<Vec<u8>, String> {
    if state.len() > MAX_STATE { Err(format!("the state is larger than {MAX_STATE} bytes")) } else { Ok(state) }
}

pub fn scan_status(status: scanner::ScanStatus) -> Result<ScanStatus, String> {
    let remote = match status.state {
        scanner::RemoteState::Created => RemoteState::Created,
        scanner::RemoteState::Running(percent) => RemoteState::Running(percent),
        scanner::RemoteState::Completed => RemoteState::Completed,
        scanner::RemoteState::Failed(reason) => RemoteState::Failed(line(reason)),
    };
    Ok(ScanStatus { state: remote, next_state: state(status.next_state)? })
}

pub fn export_step(step: scanner::ExportStep) -> Result<ExportStep, String> {
    match step {
        scanner::ExportStep::Done => Ok(ExportStep::Done),
        scanner::ExportStep::Pending(pending) if pending.cursor.len() > MAX_CURSOR => {
            Err(format!("the export's cursor is larger than {MAX_CURSOR} bytes"))
        }
        scanner::ExportStep::Pending(pending) => Ok(ExportStep::Pending {
            cursor: pending.cursor,
            retry_after: std::time::Duration::from_millis(pending.retry_after_ms.into()),
        }),
    }
}

pub fn scanner_health(health: scanner::ScannerHealth) -> ScannerHealth {
    ScannerHealth { ready: health.ready, message: line(health.message) }
}

pub fn scanner_error(error: types::ScanError) -> types::ScanError {
    use types::ScanError;
    match error {
        ScanError::Invalid(text) => ScanError::Invalid(line(text)),
        ScanError::Unauthorized(text) => ScanError::Unauthorized(line(text)),
        ScanError::NotFound(text) => ScanError::NotFound(line(text)),
        ScanError::AlreadyRunning => ScanError::AlreadyRunning,
        ScanError::RateLimited(after) => ScanError::RateLimited(after),
        ScanError::Unavailable(text) => ScanError::Unavailable(line(text)),
        ScanError::Unsupported(text) => ScanError::Unsupported(line(text)),
        ScanError::Internal(text) => ScanError::Internal(line(text)),
    }
}

pub fn report_info(info: reader::ReportInfo) -> Result<ReportInfo, String> {
    if info.warnings.len() > MAX_WARNINGS {
        return Err(format!("it gives more than {MAX_WARNINGS} warnings"));
    }
    let warning = |warning: reader::Warning| {
        let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if (1..=64).contains(&warning.code.len()) && warning.code.bytes().all(is_word) {
            Ok(ReportWarning { code: warning.code, message: line(warning.message) })
        } else {
            Err("a warning's code is not 1 to 64 lower case letters, digits and `_`".to_owned())
        }
    };
    Ok(ReportInfo {
        name: info.name.map(|name| bounded(name, 64 << 10)),
        targets: info.targets.map(|targets| bounded(targets, 64 << 10)),
        hosts: info.hosts,
        authentication: match info.authentication {
            reader::Authentication::Success => AuthenticationStatus::Success,
            reader::Authentication::Partial => AuthenticationStatus::Partial,
            reader::Authentication::Failed => AuthenticationStatus::Failed,
            reader::Authentication::Unknown => AuthenticationStatus::Unknown,
            reader::Authentication::NotApplicable => AuthenticationStatus::NotApplicable,
        },
        warnings: info.warnings.into_iter().map(warning).collect::<Result<_, _>>()?,
    })
}

pub fn parse_failure(error: reader::ParseError) -> ParseFailure {
    ParseFailure { message: line(error.message), offset: error.offset }
}

/// One line of bounded length, without control characters.
pub fn line(text: String) -> String {
    let text = bounded(text, MAX_LINE);
    if text.chars().any(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

fn bounded(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
    }
    text
}
