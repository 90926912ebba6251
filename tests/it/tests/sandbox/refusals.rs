//! Components that the sandbox refuses to load, and the error for the operator.

use std::error::Error;

use scanhost_it::guests::{LIAR, MOCK, PROFILE};
use scanhost_sandbox::{Backend, Fault, Grants, Limits, LoadError, Profile};

use crate::test_sandbox::{LIMITS, sandbox};

/// The message of the error, with its cause.
fn full_message(error: &LoadError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

async fn refusal(bytes: &[u8], limits: Limits) -> LoadError {
    match Backend::load(sandbox(), bytes.to_vec(), limits, Grants::ALL).await {
        Ok(backend) => panic!("{} was loaded", backend.description().name),
        Err(error) => error,
    }
}

async fn check_refused(bytes: &[u8], expected: &[&str]) {
    let message = full_message(&refusal(bytes, LIMITS).await);
    assert!(expected.iter().all(|part| message.contains(part)), "{message}");
}

#[tokio::test]
async fn file_that_is_not_a_component_is_refused() {
    let not_a_component = ["not a WebAssembly component"];
    check_refused(b"", &not_a_component).await;
    check_refused(b"#!/bin/sh", &not_a_component).await;
    check_refused(b"(component)", &not_a_component).await;
    check_refused(&MOCK[..MOCK.len() / 2], &not_a_component).await;
    let core_module = b"\0asm\x01\0\0\0";
    check_refused(core_module, &["not a WebAssembly component", "module"]).await;
}

#[tokio::test]
async fn component_of_another_world_is_refused() {
    check_refused(PROFILE, &["does not fit the world `scanhost:backend@0.1.0`", "scanner"]).await;
    let empty_component = b"\0asm\x0d\0\x01\0";
    check_refused(empty_component, &["does not fit the world `scanhost:backend@0.1.0`", "scanner"]).await;
}

#[test]
fn backend_is_not_loaded_as_a_profile() {
    let error = Profile::load(sandbox(), MOCK, LIMITS).err().map(|error| full_message(&error)).unwrap();
    // Loading fails at the first import, since a profile has no imports.
    assert!(error.contains("does not fit the world `scanhost:profile@0.1.0`"), "{error}");
    assert!(error.contains("scanhost:backend/"), "{error}");
}

#[tokio::test]
async fn invalid_description_is_refused() {
    check_refused(LIAR, &["its `describe` failed", "malformed backend name"]).await;
}

#[tokio::test]
async fn describe_runs_within_limits() {
    let limits = Limits { memory: 64 << 10, ..LIMITS };
    let error = refusal(MOCK, limits).await;
    assert!(matches!(error, LoadError::Describe(Fault::Memory(_))), "{}", full_message(&error));
}
