//! Plugins for the tests. Most are backends that misbehave in one function; their other functions come from this file,
//! whose scans complete at once with one finding.
//!
//! Each guest is an example of this crate, so that one build makes all components.

use std::marker::PhantomData;

use scanhost_sdk::{
    backend::{
        reader::{self, Authentication, ParseError, ReportInfo},
        report,
        scanner::{
            self, Context, Description, ExportStep, ListedScan, RemoteScan, RemoteState, ScanError, ScanRequest,
            ScanStatus, ScanType, ScannerHealth,
        },
    },
    findings::Findings,
};

/// The functions that a guest may implement in its own way.
pub trait Guest: 'static {
    const NAME: &'static str;

    fn describe() -> Description {
        plain_description(Self::NAME)
    }

    fn create(request: ScanRequest) -> Result<RemoteScan, ScanError> {
        Ok(RemoteScan { id: remote_id(Self::NAME, &request.task_id), state: Vec::new() })
    }

    fn status(_state: &mut Vec<u8>) -> RemoteState {
        RemoteState::Completed
    }

    fn parse() -> Result<ReportInfo, ParseError> {
        one_finding("Something")
    }
}

/// A backend that calls the guest's functions.
pub struct Backend<G>(PhantomData<G>);

impl<G: Guest> scanner::Guest for Backend<G> {
    fn describe() -> Description {
        G::describe()
    }

    fn create(_context: Context, request: ScanRequest) -> Result<RemoteScan, ScanError> {
        G::create(request)
    }

    fn find(_context: Context, _task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        Ok(None)
    }

    fn list_scans(_context: Context) -> Result<Vec<ListedScan>, ScanError> {
        Ok(Vec::new())
    }

    fn launch(context: Context, _id: String) -> Result<Vec<u8>, ScanError> {
        Ok(context.state)
    }

    fn status(mut context: Context, _id: String) -> Result<ScanStatus, ScanError> {
        Ok(ScanStatus { state: G::status(&mut context.state), next_state: context.state })
    }

    fn stop(_context: Context, _id: String) -> Result<(), ScanError> {
        Ok(())
    }

    fn remove(_context: Context, _id: String) -> Result<(), ScanError> {
        Ok(())
    }

    fn export_report(_context: Context, id: String, _cursor: Option<String>) -> Result<ExportStep, ScanError> {
        report::append(id.as_bytes()).map_err(ScanError::Internal)?;
        Ok(ExportStep::Done)
    }

    fn health(_context: Context) -> Result<ScannerHealth, ScanError> {
        Ok(ScannerHealth { ready: true, message: G::NAME.to_owned() })
    }
}

impl<G: Guest> reader::Guest for Backend<G> {
    fn parse(_scan_type: Option<ScanType>) -> Result<ReportInfo, ParseError> {
        G::parse()
    }
}

/// A description that the host accepts.
pub fn plain_description(name: &str) -> Description {
    Description {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        report_extension: "txt".to_owned(),
        state_version: 1,
        resumable: true,
        scan_types: vec![ScanType::Untrusted, ScanType::Trusted, ScanType::Privileged],
        auth: Vec::new(),
        fields: Vec::new(),
    }
}

/// The id of the remote scan of this task.
pub fn remote_id(name: &str, task_id: &str) -> String {
    format!("{name}-{task_id}")
}

/// Emits one finding with this plugin name, without reading the report.
pub fn one_finding(plugin_name: &str) -> Result<ReportInfo, ParseError> {
    let mut findings = Findings::new();
    findings.begin_finding().map_err(parse_error)?;
    findings.cell("host", "127.0.0.1");
    findings.cell("plugin_id", "1");
    findings.cell("plugin_name", plugin_name);
    findings.cell("severity", "Low");
    findings.finish().map_err(parse_error)?;
    Ok(ReportInfo {
        name: None,
        targets: None,
        hosts: 1,
        authentication: Authentication::Unknown,
        warnings: Vec::new(),
    })
}

fn parse_error(message: String) -> ParseError {
    ParseError { message, offset: 0 }
}
