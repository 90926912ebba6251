//! A scanner without a network, for trying things out and for tests.
//!
//! Everything that a scanner would know about a scan is in the state that the host keeps: its targets, its options and
//! when it was launched. Findings depend only on the targets and the options, so the same scan always has the same
//! report. The report is JSON lines, see `line.rs`.

pub mod catalogue;
pub mod hosts;
pub mod line;
pub mod options;
pub mod parse;
pub mod report;
pub mod scan;

use scanhost_sdk::backend::{
    reader::{self, ParseError, ReportInfo},
    report as report_file,
    scanner::{
        self, Context, Description, ExportStep, ListedScan, RemoteScan, RemoteState, ScanError, ScanRequest,
        ScanStatus, ScanType, ScannerHealth,
    },
};
use scanhost_sdk::findings::Findings;

use crate::{
    options::{FailAt, Options},
    report::Report,
    scan::Scan,
};

pub struct Mock;

impl scanner::Guest for Mock {
    fn describe() -> Description {
        Description {
            name: "mock".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            report_extension: "jsonl".to_owned(),
            state_version: 1,
            resumable: true,
            scan_types: vec![ScanType::Untrusted, ScanType::Trusted, ScanType::Privileged],
            auth: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn create(context: Context, request: ScanRequest) -> Result<RemoteScan, ScanError> {
        let options = Options::parse(&context.options).map_err(ScanError::Invalid)?;
        Scan::create(options, request)?.into_remote()
    }

    /// The mock remembers only the state, so it finds no scan before the answer of `create` was stored.
    /// A repeated `create` returns the same id for the same task, so there are no duplicates.
    fn find(context: Context, task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        if context.state.is_empty() {
            return Ok(None);
        }
        let scan = Scan::read(&context.state)?;
        if scan.task == task_id { scan.into_remote().map(Some) } else { Ok(None) }
    }

    /// The mock keeps no scans.
    fn list_scans(_context: Context) -> Result<Vec<ListedScan>, ScanError> {
        Ok(Vec::new())
    }

    fn launch(context: Context, id: String) -> Result<Vec<u8>, ScanError> {
        Scan::load(&context.state, &id)?.launch(context.now_ms)?.to_state()
    }

    fn status(context: Context, id: String) -> Result<ScanStatus, ScanError> {
        let scan = Scan::load(&context.state, &id)?;
        Ok(ScanStatus { state: scan.remote_state(context.now_ms), next_state: context.state })
    }

    /// Nothing really runs, so there is nothing to end.
    fn stop(_context: Context, _id: String) -> Result<(), ScanError> {
        Ok(())
    }

    /// The host drops the state, and with it the scan.
    fn remove(_context: Context, _id: String) -> Result<(), ScanError> {
        Ok(())
    }

    fn export_report(context: Context, id: String, cursor: Option<String>) -> Result<ExportStep, ScanError> {
        let scan = Scan::load(&context.state, &id)?;
        scan.fail_if_configured(FailAt::Export)?;
        if !matches!(scan.remote_state(context.now_ms), RemoteState::Completed) {
            return Err(ScanError::Invalid("the scan has not completed".to_owned()));
        }
        Report::of(&scan).export(cursor.as_deref(), report_file::append)
    }

    fn health(context: Context) -> Result<ScannerHealth, ScanError> {
        Ok(match Options::parse(&context.options) {
            Ok(_) => ScannerHealth {
                ready: true,
                message: concat!("mock ", env!("CARGO_PKG_VERSION"), ", no network").to_owned(),
            },
            Err(problems) => ScannerHealth { ready: false, message: problems },
        })
    }
}

impl reader::Guest for Mock {
    fn parse(scan_type: Option<ScanType>) -> Result<ReportInfo, ParseError> {
        parse::parse(scan_type, report_file::read, Findings::new())
    }
}

scanhost_sdk::export_backend!(Mock);
