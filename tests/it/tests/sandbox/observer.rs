//! The reports that the observer of a sandbox gets about calls: plugin, function, outcome, time and memory.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use scanhost_it::guests::{GRUMBLE, HOARD, MOCK, PANIC, PROFILE, SPIN};
use scanhost_sandbox::{Backend, CallReport, Fault, Grants, Observer, Profile, Sandbox, StderrTail};

use crate::{
    capabilities::no_reach,
    test_sandbox::{LIMITS, context, first_call, new_scan},
};

#[derive(Default)]
struct RecordingObserver {
    calls: Mutex<Vec<(String, String)>>,
    stderr: Mutex<Vec<String>>,
}

impl Observer for RecordingObserver {
    fn call_ended(&self, report: &CallReport<'_>) {
        assert!(report.memory > 0 && report.memory <= LIMITS.memory, "{report:?}");
        assert!(!report.time.is_zero(), "{report:?}");
        let call = format!("{} {}", report.function, report.outcome.name());
        self.calls.lock().unwrap().push((report.plugin.to_owned(), call));
    }

    fn stderr_written(&self, words: &StderrTail<'_>) {
        let StderrTail { plugin, function, text } = words;
        self.stderr.lock().unwrap().push(format!("{plugin} {function}: {text}"));
    }
}

fn start_observed_sandbox() -> (Arc<RecordingObserver>, Arc<Sandbox>) {
    let observer = Arc::new(RecordingObserver::default());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    (observer.clone(), Sandbox::start_observed(Some(cache), observer).unwrap())
}

#[tokio::test]
async fn every_call_is_reported_with_its_outcome() {
    let (observer, sandbox) = start_observed_sandbox();
    let load = async |bytes: &[u8]| Backend::load(sandbox.clone(), bytes.to_vec(), LIMITS, Grants::ALL).await.unwrap();
    let mock = load(MOCK).await;
    mock.health(no_reach(), first_call()).await.unwrap().unwrap();
    let failing = context(0, r#"{"fail_at": "create"}"#, b"");
    mock.create(no_reach(), failing, new_scan()).await.unwrap().unwrap_err();
    for bytes in [PANIC, SPIN, HOARD] {
        load(bytes).await.status(no_reach(), first_call(), "1").await.unwrap_err();
    }
    let profile = Profile::load(sandbox.clone(), PROFILE, LIMITS).unwrap().named("soc".to_owned());
    profile.plan("{}", std::iter::empty()).await.unwrap().unwrap();
    let calls = observer.calls.lock().unwrap();
    let calls: Vec<(&str, &str)> = calls.iter().map(|(plugin, call)| (plugin.as_str(), call.as_str())).collect();
    let expected = [
        ("mock", "health ok"),
        ("mock", "create error"),
        ("panic", "status crash"),
        ("spin", "status cpu"),
        ("hoard", "status memory"),
        ("soc", "plan ok"),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn stderr_of_a_failed_call_is_reported_and_bounded() {
    let (observer, sandbox) = start_observed_sandbox();
    let load = async |bytes: &[u8]| Backend::load(sandbox.clone(), bytes.to_vec(), LIMITS, Grants::ALL).await.unwrap();
    load(PANIC).await.status(no_reach(), first_call(), "1").await.unwrap_err();
    let fault = load(GRUMBLE).await.status(no_reach(), first_call(), "1").await.unwrap_err();
    assert_eq!(fault, Fault::Cpu(LIMITS.cpu));
    load(SPIN).await.status(no_reach(), first_call(), "1").await.unwrap_err();
    let stderr = observer.stderr.lock().unwrap();
    let [panic, grumble] = &stderr[..] else { panic!("two of the three plugins write to stderr: {stderr:?}") };
    assert!(panic.starts_with("panic status: ") && panic.contains("as always"), "{panic}");
    assert!(grumble.starts_with("grumble status: \u{1b}[31mand another thing"), "{grumble}");
    assert!((3_000..4_200).contains(&grumble.len()), "{}", grumble.len());
}
