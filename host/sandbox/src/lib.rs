//! Runs plugins: the only crate that names wasmtime.
//! Every call gets a new store with its limits set before the guest runs, and ends in a value or a typed [`Fault`].
//! It decides nothing about scans: it offers the worlds of `wit/` as plain async functions, and takes what guests may
//! reach (network, report, findings) as trait objects from its caller.

mod backend;
mod bindings;
mod call;
mod call_context;
pub mod capability;
mod component;
mod convert;
mod digest;
mod engine;
mod fault;
mod file_format;
mod grant;
mod imports;
mod limits;
mod observer;
mod plugin;
mod profile;
mod refused;
mod stderr;
mod world;

pub use backend::{
    AuthScheme, Backend, BackendDescription, Credential, Escalation, ExportStep, KeyAuth, ListedScan, LoginSecret,
    NewScan, ParseFailure, PrivateKey, RemoteScan, RemoteState, ReportInfo, ReportWarning, ScanStatus, ScannerError,
    ScannerHealth, ScannerReach, SessionAuth,
};
pub use call_context::CallContext;
pub use component::Component;
pub use digest::Digest;
pub use engine::{Sandbox, SandboxStartError};
pub use fault::{Fault, LoadError};
pub use grant::{Grant, Grants};
pub use limits::Limits;
pub use observer::{CallOutcome, CallReport, Observer, StderrTail};
pub use plugin::Plugin;
pub use profile::{Plan, Profile, ProfileDescription, Selection};
pub use refused::{Refused, list as list_grants};
pub use world::{PluginKind, WORLDS, World};
