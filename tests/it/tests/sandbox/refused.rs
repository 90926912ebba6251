//! Bytes that are not loaded, and what the operator reads about it.

use std::error::Error;

use scanhost_it::guests::{LIAR, MOCK, PROFILE};
use scanhost_sandbox::{Backend, Fault, Grants, Limits, LoadError, Profile};

use crate::loaded::{LIMITS, sandbox};

/// The error with its cause.
fn told(error: &LoadError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

async fn refusal(bytes: &[u8], limits: Limits) -> LoadError {
    match Backend::load(sandbox(), bytes.to_vec(), limits, Grants::ALL).await {
        Ok(backend) => panic!("{} was loaded", backend.description().name),
        Err(error) => error,
    }
}

async fn check(bytes: &[u8], expected: &[&str]) {
    let told = told(&refusal(bytes, LIMITS).await);
    assert!(expected.iter().all(|part| told.contains(part)), "{told}");
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let not_a_component = ["not a WebAssembly component"];
    check(b"", &not_a_component).await;
    check(b"#!/bin/sh", &not_a_component).await;
    check(b"(component)", &not_a_component).await;
    check(&MOCK[..MOCK.len() / 2], &not_a_component).await;
    let core_module = b"\0asm\x01\0\0\0";
    check(core_module, &["not a WebAssembly component", "module"]).await;
}

#[tokio::test]
async fn another_world_is_refused() {
    check(PROFILE, &["does not fit the world `scanhost:backend@0.1.0`", "scanner"]).await;
    let empty_component = b"\0asm\x0d\0\x01\0";
    check(empty_component, &["does not fit the world `scanhost:backend@0.1.0`", "scanner"]).await;
}

#[test]
fn a_backend_is_no_profile() {
    let error = Profile::load(sandbox(), MOCK, LIMITS).err().map(|error| told(&error)).unwrap();
    // It fails at the first import: a profile may reach nothing.
    assert!(error.contains("does not fit the world `scanhost:profile@0.1.0`"), "{error}");
    assert!(error.contains("scanhost:backend/"), "{error}");
}

#[tokio::test]
async fn a_lie_in_the_description_is_refused() {
    check(LIAR, &["its `describe` failed", "malformed backend name"]).await;
}

#[tokio::test]
async fn describing_has_limits() {
    let limits = Limits { memory: 64 << 10, ..LIMITS };
    let error = refusal(MOCK, limits).await;
    assert!(matches!(error, LoadError::Describe(Fault::Memory(_))), "{}", told(&error));
}
