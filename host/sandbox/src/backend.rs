//! A loaded backend: its exports as async functions.

use std::sync::Arc;

use scanhost_domain::request::ScanType;

use crate::{
    bindings::backend::{BackendPre, exports::scanhost::backend::scanner as wit},
    call::{CallState, Deadline, Reach, bounded, new_store},
    capability::{FindingSink, Http, LogSink, ReportReader, ReportWriter},
    convert,
    digest::Digest,
    engine::Sandbox,
    fault::{Fault, LoadError},
    grant::Grants,
    limits::Limits,
};

pub use crate::{
    bindings::backend::{
        exports::scanhost::backend::scanner::{Credential, Escalation, LoginSecret, PrivateKey},
        scanhost::backend::types::ScanError as ScannerError,
    },
    convert::{
        AuthScheme, BackendDescription, ExportStep, KeyAuth, ParseFailure, RemoteScan, RemoteState, ReportInfo,
        ReportWarning, ScanStatus, ScannerHealth, SessionAuth,
    },
};

/// What every call on a scanner gets.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub now: jiff::Timestamp,
    /// A JSON object.
    pub options: String,
    /// What the last call for this scan returned.
    pub state: Vec<u8>,
}

/// The scan that a backend should create.
pub struct NewScan {
    pub task_id: String,
    pub name: String,
    pub description: String,
    pub scan_type: ScanType,
    pub targets: Vec<String>,
    pub credential: Option<Credential>,
}

/// A component of the world `scanhost:backend`, compiled and checked. Each call runs in an instance of its own.
pub struct Backend {
    sandbox: Arc<Sandbox>,
    pre: BackendPre<CallState>,
    digest: Digest,
    limits: Limits,
    description: BackendDescription,
}

impl Backend {
    /// Compiles these very bytes, checks them against the world, and asks them for their description.
    /// Compiling takes long: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the bytes are no component, do not fit the world, need what is not granted, or describe themselves wrongly.
    pub async fn load(
        sandbox: Arc<Sandbox>,
        bytes: Vec<u8>,
        limits: Limits,
        grants: Grants,
    ) -> Result<Self, LoadError> {
        let digest = Digest::of(&bytes);
        let pre = sandbox.link_backend(&bytes, grants)?;
        let mut store = new_store(&sandbox, limits, Reach::default());
        let description = bounded(limits, Deadline::Whole, &mut store, async |store| {
            let backend = pre.instantiate_async(&mut *store).await?;
            backend.scanhost_backend_scanner().call_describe(store).await
        });
        let description = description.await.map_err(LoadError::Describe)?;
        let description =
            convert::description(description).map_err(|reason| LoadError::Describe(Fault::Contract(reason)))?;
        drop(store);
        Ok(Self { sandbox, pre, digest, limits, description })
    }

    pub fn description(&self) -> &BackendDescription {
        &self.description
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub async fn create(
        &self,
        reach: ScannerReach,
        context: CallContext,
        scan: NewScan,
    ) -> Result<Result<RemoteScan, ScannerError>, Fault> {
        let context = convert::context(context);
        let scan = wit::ScanRequest {
            task_id: scan.task_id,
            name: scan.name,
            description: scan.description,
            scan_type: convert::scan_type(scan.scan_type),
            targets: scan.targets,
            credential: scan.credential,
        };
        let answer = self.call(reach.into(), Deadline::Whole, async |store, scanner| {
            scanner.call_create(store, &context, &scan).await
        });
        answer.await?.map(convert::remote_scan).map_err(convert::scanner_error).transpose_fault()
    }

    pub async fn find(
        &self,
        reach: ScannerReach,
        context: CallContext,
        task_id: &str,
    ) -> Result<Result<Option<RemoteScan>, ScannerError>, Fault> {
        let context = convert::context(context);
        let answer = self.call(reach.into(), Deadline::Whole, async |store, scanner| {
            scanner.call_find(store, &context, task_id).await
        });
        let found = answer.await?.map(|found| found.map(convert::remote_scan).transpose());
        found.map_err(convert::scanner_error).transpose_fault()
    }

    /// Returns the state for the next call.
    pub async fn launch(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<Vec<u8>, ScannerError>, Fault> {
        let context = convert::context(context);
        let answer = self
            .call(reach.into(), Deadline::Whole, async |store, scanner| scanner.call_launch(store, &context, id).await);
        answer.await?.map(convert::state).map_err(convert::scanner_error).transpose_fault()
    }

    pub async fn status(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<ScanStatus, ScannerError>, Fault> {
        let context = convert::context(context);
        let answer = self
            .call(reach.into(), Deadline::Whole, async |store, scanner| scanner.call_status(store, &context, id).await);
        answer.await?.map(convert::scan_status).map_err(convert::scanner_error).transpose_fault()
    }

    pub async fn stop(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<(), ScannerError>, Fault> {
        let context = convert::context(context);
        let answer = self
            .call(reach.into(), Deadline::Whole, async |store, scanner| scanner.call_stop(store, &context, id).await);
        Ok(answer.await?.map_err(convert::scanner_error))
    }

    pub async fn remove(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<(), ScannerError>, Fault> {
        let context = convert::context(context);
        let answer = self
            .call(reach.into(), Deadline::Whole, async |store, scanner| scanner.call_remove(store, &context, id).await);
        Ok(answer.await?.map_err(convert::scanner_error))
    }

    /// The wall limit is a limit on standing still, since a report may be large.
    pub async fn export_report(
        &self,
        reach: ScannerReach,
        report: Box<dyn ReportWriter>,
        context: CallContext,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<Result<ExportStep, ScannerError>, Fault> {
        let context = convert::context(context);
        let reach = Reach { report_writer: Some(report), ..reach.into() };
        let answer = self.call(reach, Deadline::Stalled, async |store, scanner| {
            scanner.call_export_report(store, &context, id, cursor).await
        });
        answer.await?.map(convert::export_step).map_err(convert::scanner_error).transpose_fault()
    }

    pub async fn health(
        &self,
        reach: ScannerReach,
        context: CallContext,
    ) -> Result<Result<ScannerHealth, ScannerError>, Fault> {
        let context = convert::context(context);
        let answer =
            self.call(reach.into(), Deadline::Whole, async |store, scanner| scanner.call_health(store, &context).await);
        Ok(answer.await?.map(convert::scanner_health).map_err(convert::scanner_error))
    }

    /// Reads a report of `size` bytes. Its CPU limit grows with the size; its wall limit is on standing still.
    /// It keeps a core busy and reads files: call it where blocking is allowed.
    pub async fn parse(
        &self,
        report: Box<dyn ReportReader>,
        size: u64,
        findings: Box<dyn FindingSink>,
        log: Option<Box<dyn LogSink>>,
        scan_type: Option<ScanType>,
    ) -> Result<Result<ReportInfo, ParseFailure>, Fault> {
        let mebibytes = u32::try_from(size >> 20).unwrap_or(u32::MAX);
        let limits = Limits { cpu: self.limits.cpu.saturating_add(PARSE_CPU_A_MIB * mebibytes), ..self.limits };
        let reach = Reach { report_reader: Some(report), findings: Some(findings), log, ..Reach::default() };
        let _permit = self.sandbox.admit().await?;
        let mut store = new_store(&self.sandbox, limits, reach);
        let scan_type = scan_type.map(convert::scan_type);
        let answer = bounded(limits, Deadline::Stalled, &mut store, async |store| {
            let backend = self.pre.instantiate_async(&mut *store).await?;
            backend.scanhost_backend_reader().call_parse(store, scan_type).await
        });
        answer.await?.map(convert::report_info).map_err(convert::parse_failure).transpose_fault()
    }

    async fn call<T>(
        &self,
        reach: Reach,
        deadline: Deadline,
        call: impl AsyncFnOnce(&mut wasmtime::Store<CallState>, &wit::Guest) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let _permit = self.sandbox.admit().await?;
        let mut store = new_store(&self.sandbox, self.limits, reach);
        let answer = bounded(self.limits, deadline, &mut store, async |store| {
            let backend = self.pre.instantiate_async(&mut *store).await?;
            call(store, backend.scanhost_backend_scanner()).await
        });
        answer.await
    }
}

/// CPU a report may cost for each MiB, ten times what a plain reader needs.
const PARSE_CPU_A_MIB: std::time::Duration = std::time::Duration::from_millis(100);

/// What a call on a scanner may reach.
pub struct ScannerReach {
    pub http: Box<dyn Http>,
    pub log: Box<dyn LogSink>,
}

impl From<ScannerReach> for Reach {
    fn from(reach: ScannerReach) -> Self {
        Self { http: Some(reach.http), log: Some(reach.log), ..Self::default() }
    }
}

/// An answer that breaks the contract is a fault and not an answer.
trait TransposeFault<T, E> {
    fn transpose_fault(self) -> Result<Result<T, E>, Fault>;
}

impl<T, E> TransposeFault<T, E> for Result<Result<T, String>, E> {
    fn transpose_fault(self) -> Result<Result<T, E>, Fault> {
        match self {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(reason)) => Err(Fault::Contract(reason)),
            Err(error) => Ok(Err(error)),
        }
    }
}
