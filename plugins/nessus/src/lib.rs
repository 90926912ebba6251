//! The backend for Tenable Nessus: drives its REST API one short step at a time, and reads its reports.
//! It knows only the dialect; the host does login, network, waiting and files.

mod create;
mod describe;
mod export;
mod find;
mod health;
mod launch;
mod marker;
mod options;
mod phase;
mod reader;
mod refusal;
mod remove;
pub mod report;
mod saved_state;
mod scan_id;
mod ssh;
mod status;
mod stop;
mod wire;

use scanhost_sdk::backend::{
    reader::{self as reader_world, ParseError, ReportInfo, ScanType},
    scanner::{self, Context, Description, ExportStep, ListedScan, RemoteScan, ScanRequest, ScanStatus, ScannerHealth},
    types::ScanError,
};

use crate::{options::Options, saved_state::SavedState, scan_id::ScanId};

/// The component.
pub struct Nessus;

impl scanner::Guest for Nessus {
    fn describe() -> Description {
        describe::describe()
    }

    fn create(context: Context, request: ScanRequest) -> Result<RemoteScan, ScanError> {
        create::create(&Options::parse(&context.options)?, &context.installation, &request)
    }

    fn find(context: Context, task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        find::find(&context.installation, &task_id)
    }

    fn list_scans(context: Context) -> Result<Vec<ListedScan>, ScanError> {
        find::list_scans(&context.installation)
    }

    fn launch(_: Context, id: String) -> Result<Vec<u8>, ScanError> {
        launch::launch(ScanId::parse(&id)?)
    }

    fn status(context: Context, id: String) -> Result<ScanStatus, ScanError> {
        status::status(ScanId::parse(&id)?, SavedState::read(&context.state))
    }

    fn stop(_: Context, id: String) -> Result<(), ScanError> {
        stop::stop(ScanId::parse(&id)?)
    }

    fn remove(_: Context, id: String) -> Result<(), ScanError> {
        remove::remove(ScanId::parse(&id)?)
    }

    fn export_report(_: Context, id: String, cursor: Option<String>) -> Result<ExportStep, ScanError> {
        export::export(ScanId::parse(&id)?, cursor.as_deref())
    }

    fn health(context: Context) -> Result<ScannerHealth, ScanError> {
        // This shows the operator a wrong option before the first scan fails.
        Options::parse(&context.options)?;
        health::health(context.now_ms)
    }
}

impl reader_world::Guest for Nessus {
    fn parse(scan_type: Option<ScanType>) -> Result<ReportInfo, ParseError> {
        reader::parse(scan_type)
    }
}

scanhost_sdk::export_backend!(Nessus);

/// Builds an answer of the scanner for tests.
#[cfg(test)]
fn answer(status: u16, body: &str) -> scanhost_sdk::requests::Answer {
    scanhost_sdk::requests::Answer { purpose: "test", status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}
