//! A loaded backend: its exports as async functions.

use std::sync::Arc;

use scanhost_domain::request::ScanType;

use crate::{
    bindings::backend::{BackendPre, exports::scanhost::backend::scanner as wit},
    call::{CallState, Callee, Deadline, GuestStore, Reach, bounded, new_store},
    call_context::CallContext,
    capability::{FindingSink, Http, LogSink, Program, ReportReader, ReportWriter},
    component::Component,
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
        AuthScheme, BackendDescription, ExportStep, KeyAuth, ListedScan, ParseFailure, RemoteScan, RemoteState,
        ReportInfo, ReportWarning, ScanStatus, ScannerHealth, SessionAuth,
    },
};

/// The scan that a backend should create.
pub struct NewScan {
    pub task_id: String,
    pub name: String,
    pub description: String,
    pub scan_type: ScanType,
    pub targets: Vec<String>,
    pub credential: Option<Credential>,
}

/// The name of a component that has not described itself yet.
const UNNAMED: &str = "backend";

/// A component of the world `scanhost:backend`, compiled and checked. Each call runs in an instance of its own.
pub struct Backend {
    sandbox: Arc<Sandbox>,
    pre: BackendPre<CallState>,
    digest: Digest,
    limits: Limits,
    description: BackendDescription,
}

impl Backend {
    /// Compiles these bytes, checks the component against the world, and asks it for its description.
    /// Compiling takes long: call it where blocking is allowed.
    pub async fn load(
        sandbox: Arc<Sandbox>,
        bytes: Vec<u8>,
        limits: Limits,
        grants: Grants,
    ) -> Result<Self, LoadError> {
        Self::link(&Component::compile(sandbox, &bytes)?, limits, grants).await
    }

    /// Checks the component against the world, and asks it for its description.
    pub(crate) async fn link(component: &Component, limits: Limits, grants: Grants) -> Result<Self, LoadError> {
        let (sandbox, digest) = (component.sandbox().clone(), component.digest());
        let pre = sandbox.link_backend(component, grants)?;
        let mut store = new_store(&sandbox, limits, Reach::default());
        let description = bounded(limits, Deadline::Whole, &mut store, async |store| {
            let backend = pre.instantiate_async(&mut *store).await?;
            backend.scanhost_backend_scanner().call_describe(store).await
        });
        let description =
            description.await.and_then(|description| convert::description(description).map_err(Fault::Contract));
        let description = description.map_err(|fault| {
            sandbox.report_stderr(UNNAMED, "describe", &store.data().stderr);
            LoadError::Describe(fault)
        })?;
        drop(store);
        Ok(Self { sandbox, pre, digest, limits, description })
    }

    /// The functions of a backend, by the names that the observer sees.
    pub const FUNCTIONS: [&'static str; 9] =
        ["create", "find", "launch", "status", "stop", "remove", "export_report", "health", "parse"];

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
        let call =
            async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_create(store, &context, &scan).await;
        self.call("create", reach.into(), Deadline::Whole, call, convert::remote_scan).await
    }

    pub async fn find(
        &self,
        reach: ScannerReach,
        context: CallContext,
        task_id: &str,
    ) -> Result<Result<Option<RemoteScan>, ScannerError>, Fault> {
        let context = convert::context(context);
        let call =
            async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_find(store, &context, task_id).await;
        let found = |found: Option<_>| found.map(convert::remote_scan).transpose();
        self.call("find", reach.into(), Deadline::Whole, call, found).await
    }

    /// The scans that were made for this installation.
    pub async fn list_scans(
        &self,
        reach: ScannerReach,
        context: CallContext,
    ) -> Result<Result<Vec<ListedScan>, ScannerError>, Fault> {
        let context = convert::context(context);
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_list_scans(store, &context).await;
        self.call("list_scans", reach.into(), Deadline::Whole, call, convert::listed_scans).await
    }

    /// Returns the state for the next call.
    pub async fn launch(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<Vec<u8>, ScannerError>, Fault> {
        let context = convert::context(context);
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_launch(store, &context, id).await;
        self.call("launch", reach.into(), Deadline::Whole, call, convert::state).await
    }

    pub async fn status(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<ScanStatus, ScannerError>, Fault> {
        let context = convert::context(context);
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_status(store, &context, id).await;
        self.call("status", reach.into(), Deadline::Whole, call, convert::scan_status).await
    }

    pub async fn stop(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<(), ScannerError>, Fault> {
        let context = convert::context(context);
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_stop(store, &context, id).await;
        self.call("stop", reach.into(), Deadline::Whole, call, Ok).await
    }

    pub async fn remove(
        &self,
        reach: ScannerReach,
        context: CallContext,
        id: &str,
    ) -> Result<Result<(), ScannerError>, Fault> {
        let context = convert::context(context);
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_remove(store, &context, id).await;
        self.call("remove", reach.into(), Deadline::Whole, call, Ok).await
    }

    /// The wall limit bounds the time without progress, since a report may be large.
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
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| {
            scanner.call_export_report(store, &context, id, cursor).await
        };
        self.call("export_report", reach, Deadline::Stalled, call, convert::export_step).await
    }

    pub async fn health(
        &self,
        reach: ScannerReach,
        context: CallContext,
    ) -> Result<Result<ScannerHealth, ScannerError>, Fault> {
        let context = convert::context(context);
        let call = async |store: &mut GuestStore, scanner: &wit::Guest| scanner.call_health(store, &context).await;
        self.call("health", reach.into(), Deadline::Whole, call, |health| Ok(convert::scanner_health(health))).await
    }

    /// Reads a report of `size` bytes. The CPU limit grows with the size; the wall limit bounds the time without
    /// progress.
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
        let limits = Limits { cpu: self.limits.cpu.saturating_add(PARSE_CPU_PER_MIB * mebibytes), ..self.limits };
        let reach = Reach { report_reader: Some(report), findings: Some(findings), log, ..Reach::default() };
        let scan_type = scan_type.map(convert::scan_type);
        let parse = async |store: &mut GuestStore| {
            let backend = self.pre.instantiate_async(&mut *store).await?;
            backend.scanhost_backend_reader().call_parse(store, scan_type).await
        };
        let callee = Callee { limits, ..self.callee("parse") };
        let answer = callee.call(reach, Deadline::Stalled, parse, convert::report_info).await;
        answer.map(|answer| answer.map_err(convert::parse_failure))
    }

    async fn call<T, U>(
        &self,
        function: &'static str,
        reach: Reach,
        deadline: Deadline,
        call: impl AsyncFnOnce(&mut GuestStore, &wit::Guest) -> wasmtime::Result<Result<T, ScannerError>>,
        convert: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Result<U, ScannerError>, Fault> {
        let call = async |store: &mut GuestStore| {
            let backend = self.pre.instantiate_async(&mut *store).await?;
            call(store, backend.scanhost_backend_scanner()).await
        };
        let answer = self.callee(function).call(reach, deadline, call, convert).await;
        answer.map(|answer| answer.map_err(convert::scanner_error))
    }

    fn callee(&self, function: &'static str) -> Callee<'_> {
        let plugin = self.description.name.as_str();
        Callee { sandbox: &self.sandbox, plugin, digest: self.digest, function, limits: self.limits }
    }
}

/// CPU time that a report may cost for each MiB, ten times what a plain reader needs.
const PARSE_CPU_PER_MIB: std::time::Duration = std::time::Duration::from_millis(100);

/// What a call on a scanner may reach.
pub struct ScannerReach {
    pub http: Box<dyn Http>,
    /// `None` if the call is for no scan, or for a scanner that runs no programs.
    pub program: Option<Box<dyn Program>>,
    pub log: Box<dyn LogSink>,
}

impl From<ScannerReach> for Reach {
    fn from(reach: ScannerReach) -> Self {
        Self { http: Some(reach.http), program: reach.program, log: Some(reach.log), ..Self::default() }
    }
}
