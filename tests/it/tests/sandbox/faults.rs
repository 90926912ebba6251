//! Guests that misbehave: each ends in its typed fault, and the next call on the same backend is served.

use std::{sync::atomic::Ordering, time::Duration};

use scanhost_it::guests::{CHATTY, DEEP, FLOOD, GIANT, HOARD, MOCK, NOSY, PANIC, SPIN, STEADY, crowded, push_number};
use scanhost_sandbox::{Backend, Fault, Grants, Limits, LoadError, RemoteState, ScannerReach};

use crate::{
    loaded::{self, LIMITS, first_call, sandbox},
    reach::{self, Bytes, Findings, Lines, Refusing, nothing},
};

/// Far above every limit in use here: when this passes, a limit has not held.
const BOUND: Duration = Duration::from_secs(60);

async fn status_fault(backend: &Backend, reach: ScannerReach) -> Fault {
    let status = tokio::time::timeout(BOUND, backend.status(reach, first_call(), "1")).await;
    status.expect("the limits hold").unwrap_err()
}

async fn check_serves(backend: &Backend) {
    assert!(backend.health(nothing(), first_call()).await.unwrap().unwrap().ready);
}

async fn check(bytes: &[u8], limits: Limits, expected: Fault) {
    let backend = loaded::backend(bytes, limits).await;
    assert_eq!(status_fault(&backend, nothing()).await, expected);
    check_serves(&backend).await;
}

// These run on one thread: a guest that never yielded would hold up its own watchdog.

#[tokio::test]
async fn spinning_uses_up_the_cpu_limit() {
    check(SPIN, LIMITS, Fault::Cpu(LIMITS.cpu)).await;
}

#[tokio::test]
async fn spinning_ends_at_the_wall_limit_when_that_comes_first() {
    let limits = Limits { cpu: Duration::from_secs(60), wall: Duration::from_millis(100), ..LIMITS };
    check(SPIN, limits, Fault::Wall(limits.wall)).await;
}

#[tokio::test]
async fn spinning_holds_up_nobody() {
    let spin = loaded::backend(SPIN, LIMITS).await;
    let mock = loaded::backend(MOCK, LIMITS).await;
    let others = async {
        for _ in 0..10 {
            check_serves(&mock).await;
        }
    };
    tokio::select! {
        biased;
        fault = status_fault(&spin, nothing()) => panic!("ten short calls took longer than the spinning: {fault}"),
        () = others => {}
    }
}

#[tokio::test]
async fn hoarding_uses_up_the_memory_limit() {
    check(HOARD, LIMITS, Fault::Memory(LIMITS.memory)).await;
}

#[tokio::test]
async fn recursion_without_end_is_a_crash() {
    let deep = loaded::backend(DEEP, LIMITS).await;
    let fault = status_fault(&deep, nothing()).await;
    assert!(matches!(&fault, Fault::Crash(reason) if reason.contains("stack")), "{fault}");
    check_serves(&deep).await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_breaks_the_contract() {
    let giant = loaded::backend(GIANT, Limits { memory: 64 << 20, cpu: Duration::from_secs(10), ..LIMITS }).await;
    let fault = status_fault(&giant, nothing()).await;
    assert!(matches!(&fault, Fault::Contract(_) | Fault::Memory(_)), "{fault}");
    check_serves(&giant).await;
}

/// What stands in a module for one memory of so many pages of 64 KiB, and for one table of so many elements.
fn sections(pages: usize, elements: usize) -> [Vec<u8>; 2] {
    [(5, &[1_u8, 0][..], pages), (4, &[1, 0x70, 0], elements)].map(|(id, head, number)| {
        let mut content = head.to_vec();
        push_number(&mut content, number);
        let mut section = vec![id];
        push_number(&mut section, content.len());
        [section, content].concat()
    })
}

#[tokio::test]
async fn memories_and_tables_count_together_however_many_there_are() {
    let [memory, table] = sections(40, 90_000);
    // Each alone is far below the limit of 16 MiB.
    for (what, section, few, many) in [("memories", memory, 1, 8), ("tables", table, 1, 30)] {
        let fits = Backend::load(sandbox(), crowded(STEADY, &section, few), LIMITS, Grants::default()).await;
        assert!(fits.is_ok(), "{few} {what}: {}", fits.err().unwrap());
        let error = Backend::load(sandbox(), crowded(STEADY, &section, many), LIMITS, Grants::default()).await;
        let error = error.err().unwrap_or_else(|| panic!("{many} {what} fit"));
        let is_limit = matches!(&error, LoadError::Describe(Fault::Memory(_)) | LoadError::World { .. });
        assert!(is_limit, "{many} {what}: {error:?}");
    }
}

#[tokio::test]
async fn a_panic_is_a_crash() {
    let panic = loaded::backend(PANIC, LIMITS).await;
    let fault = status_fault(&panic, nothing()).await;
    assert!(matches!(&fault, Fault::Crash(reason) if reason.contains("unreachable")), "{fault}");
    check_serves(&panic).await;
}

#[tokio::test]
async fn logging_without_end_is_cut_and_uses_up_the_cpu_limit() {
    let chatty = loaded::backend(CHATTY, LIMITS).await;
    let lines = Lines::default();
    assert_eq!(status_fault(&chatty, reach::log(&lines)).await, Fault::Cpu(LIMITS.cpu));
    let (cut, written) = lines.all().split_last().map(|(last, rest)| (last.clone(), rest.concat())).unwrap();
    assert!((60 << 10..=64 << 10).contains(&written.len()), "{} bytes", written.len());
    assert!(cut.contains("the rest is dropped"), "{cut}");
    check_serves(&chatty).await;
}

#[tokio::test]
async fn emitting_without_end_is_refused_and_uses_up_the_cpu_limit() {
    let flood = loaded::backend(FLOOD, LIMITS).await;
    let findings = Findings::up_to(20_000);
    let parse = flood.parse(Box::new(Bytes(Vec::new())), 0, Box::new(findings.clone()), None, None);
    let fault = tokio::time::timeout(BOUND, parse).await.expect("the limits hold").unwrap_err();
    assert_eq!(fault, Fault::Cpu(LIMITS.cpu));
    assert_eq!(findings.taken().len(), 20_000);
    assert!(findings.refused() > 0);
    check_serves(&flood).await;
}

#[tokio::test]
async fn a_larger_report_may_use_more_cpu() {
    let flood = loaded::backend(FLOOD, Limits { cpu: Duration::from_millis(10), ..LIMITS }).await;
    let parse = flood.parse(Box::new(Bytes(Vec::new())), 2 << 20, Box::new(Findings::up_to(0)), None, None);
    assert_eq!(parse.await.unwrap_err(), Fault::Cpu(Duration::from_millis(210)));
}

#[tokio::test]
async fn nothing_is_reached_that_was_not_granted() {
    let nosy = loaded::backend(NOSY, Limits { cpu: Duration::from_secs(2), ..LIMITS }).await;
    let http = Refusing::default();
    let status = nosy.status(reach::scanner(&http), first_call(), "1").await.unwrap().unwrap();
    assert_eq!(status.state, RemoteState::Failed("28 of 28 denied".into()));
    // The other four never left the sandbox: a body that is too large, and what belongs to other steps.
    assert_eq!(http.requests.load(Ordering::Relaxed), 24);
}
