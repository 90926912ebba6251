//! Guests that misbehave: each ends in its typed fault, and the next call on the same backend is served.

use std::{sync::atomic::Ordering, time::Duration};

use scanhost_it::guests::{
    CHATTY, DEEP, FLOOD, GIANT, HOARD, MOCK, NOSY, PANIC, SPIN, STEADY, push_leb128, with_core_instances,
};
use scanhost_sandbox::{Backend, Fault, Grants, Limits, LoadError, RemoteState, ScannerReach};

use crate::{
    capabilities::{self, FindingList, LogLines, RefusingScanner, ReportBytes, no_reach},
    test_sandbox::{self, LIMITS, first_call, sandbox},
};

/// A timeout far above every limit in these tests, which is only reached if a limit fails.
const TIMEOUT: Duration = Duration::from_secs(60);

async fn status_fault(backend: &Backend, reach: ScannerReach) -> Fault {
    let status = tokio::time::timeout(TIMEOUT, backend.status(reach, first_call(), "1")).await;
    status.expect("the limits end the call").unwrap_err()
}

async fn check_serves(backend: &Backend) {
    assert!(backend.health(no_reach(), first_call()).await.unwrap().unwrap().ready);
}

async fn check_fault(bytes: &[u8], limits: Limits, expected: Fault) {
    let backend = test_sandbox::backend(bytes, limits).await;
    assert_eq!(status_fault(&backend, no_reach()).await, expected);
    check_serves(&backend).await;
}

// These tests run on one thread, where a guest that never yields would block its own watchdog.

#[tokio::test]
async fn spinning_ends_at_the_cpu_limit() {
    check_fault(SPIN, LIMITS, Fault::Cpu(LIMITS.cpu)).await;
}

#[tokio::test]
async fn spinning_ends_at_a_shorter_wall_limit() {
    let limits = Limits { cpu: Duration::from_secs(60), wall: Duration::from_millis(100), ..LIMITS };
    check_fault(SPIN, limits, Fault::Wall(limits.wall)).await;
}

#[tokio::test]
async fn spinning_delays_no_other_call() {
    let spin = test_sandbox::backend(SPIN, LIMITS).await;
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let others = async {
        for _ in 0..10 {
            check_serves(&mock).await;
        }
    };
    tokio::select! {
        biased;
        fault = status_fault(&spin, no_reach()) => panic!("ten short calls took longer than the spinning guest: {fault}"),
        () = others => {}
    }
}

#[tokio::test]
async fn hoarding_ends_at_the_memory_limit() {
    check_fault(HOARD, LIMITS, Fault::Memory(LIMITS.memory)).await;
}

#[tokio::test]
async fn infinite_recursion_is_a_crash() {
    let deep = test_sandbox::backend(DEEP, LIMITS).await;
    let fault = status_fault(&deep, no_reach()).await;
    assert!(matches!(&fault, Fault::Crash(reason) if reason.contains("stack")), "{fault}");
    check_serves(&deep).await;
}

#[tokio::test]
async fn too_large_answer_breaks_the_contract() {
    let giant = test_sandbox::backend(GIANT, Limits { memory: 64 << 20, cpu: Duration::from_secs(10), ..LIMITS }).await;
    let fault = status_fault(&giant, no_reach()).await;
    assert!(matches!(&fault, Fault::Contract(_) | Fault::Memory(_)), "{fault}");
    check_serves(&giant).await;
}

/// The section of a module with one memory of this many pages of 64 KiB, and the section with one table of this many
/// elements.
fn memory_and_table_sections(pages: usize, elements: usize) -> [Vec<u8>; 2] {
    [(5, &[1_u8, 0][..], pages), (4, &[1, 0x70, 0], elements)].map(|(id, head, number)| {
        let mut content = head.to_vec();
        push_leb128(&mut content, number);
        let mut section = vec![id];
        push_leb128(&mut section, content.len());
        [section, content].concat()
    })
}

#[tokio::test]
async fn all_memories_and_tables_count_towards_the_limit() {
    let [memory, table] = memory_and_table_sections(40, 90_000);
    // One memory or table alone is far below the limit of 16 MiB.
    for (kind, section, few, many) in [("memories", memory, 1, 8), ("tables", table, 1, 30)] {
        let fits =
            Backend::load(sandbox(), with_core_instances(STEADY, &section, few), LIMITS, Grants::default()).await;
        assert!(fits.is_ok(), "{few} {kind}: {}", fits.err().unwrap());
        let error =
            Backend::load(sandbox(), with_core_instances(STEADY, &section, many), LIMITS, Grants::default()).await;
        let error = error.err().unwrap_or_else(|| panic!("{many} {kind} fit"));
        let is_limit = matches!(&error, LoadError::Describe(Fault::Memory(_)) | LoadError::World { .. });
        assert!(is_limit, "{many} {kind}: {error:?}");
    }
}

#[tokio::test]
async fn panic_is_a_crash() {
    let panic = test_sandbox::backend(PANIC, LIMITS).await;
    let fault = status_fault(&panic, no_reach()).await;
    assert!(matches!(&fault, Fault::Crash(reason) if reason.contains("unreachable")), "{fault}");
    check_serves(&panic).await;
}

#[tokio::test]
async fn endless_logging_is_truncated_and_ends_at_the_cpu_limit() {
    let chatty = test_sandbox::backend(CHATTY, LIMITS).await;
    let lines = LogLines::default();
    assert_eq!(status_fault(&chatty, capabilities::reach_with_log(&lines)).await, Fault::Cpu(LIMITS.cpu));
    let (cut, written) = lines.all().split_last().map(|(last, rest)| (last.clone(), rest.concat())).unwrap();
    assert!((60 << 10..=64 << 10).contains(&written.len()), "{} bytes", written.len());
    assert!(cut.contains("the rest is dropped"), "{cut}");
    check_serves(&chatty).await;
}

#[tokio::test]
async fn endless_findings_are_refused_and_end_at_the_cpu_limit() {
    let flood = test_sandbox::backend(FLOOD, LIMITS).await;
    let findings = FindingList::with_limit(20_000);
    let parse = flood.parse(Box::new(ReportBytes(Vec::new())), 0, Box::new(findings.clone()), None, None);
    let fault = tokio::time::timeout(TIMEOUT, parse).await.expect("the limits end the call").unwrap_err();
    assert_eq!(fault, Fault::Cpu(LIMITS.cpu));
    assert_eq!(findings.accepted().len(), 20_000);
    assert!(findings.refused_batches() > 0);
    check_serves(&flood).await;
}

#[tokio::test]
async fn cpu_limit_grows_with_the_report() {
    let flood = test_sandbox::backend(FLOOD, Limits { cpu: Duration::from_millis(10), ..LIMITS }).await;
    let parse =
        flood.parse(Box::new(ReportBytes(Vec::new())), 2 << 20, Box::new(FindingList::with_limit(0)), None, None);
    assert_eq!(parse.await.unwrap_err(), Fault::Cpu(Duration::from_millis(210)));
}

#[tokio::test]
async fn forbidden_requests_are_denied() {
    let nosy = test_sandbox::backend(NOSY, Limits { cpu: Duration::from_secs(2), ..LIMITS }).await;
    let http = RefusingScanner::default();
    let status = nosy.status(capabilities::reach_of(&http), first_call(), "1").await.unwrap().unwrap();
    assert_eq!(status.state, RemoteState::Failed("28 of 28 denied".into()));
    // The sandbox refuses the other four itself: a body that is too large, and calls that belong to other steps.
    assert_eq!(http.requests.load(Ordering::Relaxed), 24);
}
