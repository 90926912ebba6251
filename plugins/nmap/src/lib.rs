//! The backend for nmap, a program on the host's machine, which the host starts, limits and ends.
//! The backend plans the run for a request, reads nmap's progress, and reads its XML report.

mod describe;
mod ending;
mod health;
mod options;
mod plan;
mod progress;
mod reader;
pub mod report;
mod saved_state;

use scanhost_sdk::{
    backend::{
        reader::{self as reader_world, ParseError, ReportInfo, ScanType},
        scanner::{
            self, Context, Description, ExportStep, ListedScan, RemoteScan, RemoteState, ScanRequest, ScanStatus,
            ScannerHealth,
        },
        types::ScanError,
    },
    command::program,
};

use crate::{options::Options, progress::Progress, saved_state::SavedState};

/// The component.
pub struct Nmap;

impl scanner::Guest for Nmap {
    fn describe() -> Description {
        describe::describe()
    }

    /// Creates no remote scan; the state records which run `launch` will start.
    fn create(context: Context, request: ScanRequest) -> Result<RemoteScan, ScanError> {
        let options = Options::parse(&context.options)?;
        let saved = SavedState::new(&request.task_id, &options.command, plan::arguments(&options, &request.targets)?);
        Ok(RemoteScan { id: request.task_id, state: saved.write() })
    }

    fn find(context: Context, task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        // The scan exists only in the state.
        let is_known = SavedState::of(&context.state, &task_id).is_ok();
        Ok(is_known.then_some(RemoteScan { id: task_id, state: context.state }))
    }

    fn list_scans(_: Context) -> Result<Vec<ListedScan>, ScanError> {
        Ok(Vec::new())
    }

    fn launch(context: Context, id: String) -> Result<Vec<u8>, ScanError> {
        let saved = SavedState::of(&context.state, &id)?;
        program::start(&saved.command, &plan::run(&saved.arguments)).map_err(ending::not_started)?;
        Ok(SavedState { is_launched: true, ..saved }.write())
    }

    fn status(context: Context, id: String) -> Result<ScanStatus, ScanError> {
        let saved = SavedState::of(&context.state, &id)?;
        let Some(standing) = program::look() else {
            return if saved.is_launched {
                Err(ScanError::NotFound("this host runs no nmap for the scan".to_owned()))
            } else {
                Ok(ScanStatus { state: RemoteState::Created, next_state: context.state })
            };
        };
        if let Some(ended) = standing.ending {
            return Ok(ScanStatus { state: ending::state(ended), next_state: context.state });
        }
        let progress = Progress::follow(saved.progress, program::output)
            .map_err(|reason| ScanError::Internal(format!("cannot read nmap's output: {reason}")))?;
        let next_state = SavedState { progress, ..saved }.write();
        Ok(ScanStatus { state: RemoteState::Running(progress.percent), next_state })
    }

    fn stop(_: Context, _: String) -> Result<(), ScanError> {
        program::stop().map_err(|reason| ScanError::Internal(format!("cannot stop nmap: {reason}")))
    }

    fn remove(context: Context, id: String) -> Result<(), ScanError> {
        Self::stop(context, id)
    }

    fn export_report(context: Context, id: String, _: Option<String>) -> Result<ExportStep, ScanError> {
        SavedState::of(&context.state, &id)?;
        if program::look().is_none() {
            return Err(ScanError::NotFound("this host ran no nmap for the scan".to_owned()));
        }
        let delivered = program::deliver();
        delivered.map_err(|reason| ScanError::Internal(format!("cannot hand over nmap's report: {reason}")))?;
        Ok(ExportStep::Done)
    }

    fn health(context: Context) -> Result<ScannerHealth, ScanError> {
        health::health(&Options::parse(&context.options)?)
    }
}

impl reader_world::Guest for Nmap {
    fn parse(scan_type: Option<ScanType>) -> Result<ReportInfo, ParseError> {
        reader::parse(scan_type)
    }
}

scanhost_sdk::export_backend!(Nmap);
