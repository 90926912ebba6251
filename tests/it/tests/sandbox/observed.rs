//! What the observer is told of calls: whose, which, how it ended, and what it took.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use scanhost_it::guests::{GRUMBLE, HOARD, MOCK, PANIC, PROFILE, SPIN};
use scanhost_sandbox::{Backend, CallReport, Fault, Grants, LastWords, Observer, Profile, Sandbox};

use crate::{
    loaded::{LIMITS, context, first_call, new_scan},
    reach::nothing,
};

#[derive(Default)]
struct Told {
    calls: Mutex<Vec<(String, String)>>,
    last_words: Mutex<Vec<String>>,
}

impl Observer for Told {
    fn called(&self, report: &CallReport<'_>) {
        assert!(report.memory > 0 && report.memory <= LIMITS.memory, "{report:?}");
        assert!(!report.time.is_zero(), "{report:?}");
        let words = format!("{} {}", report.function, report.outcome.name());
        self.calls.lock().unwrap().push((report.plugin.to_owned(), words));
    }

    fn heard(&self, words: &LastWords<'_>) {
        let LastWords { plugin, function, text } = words;
        self.last_words.lock().unwrap().push(format!("{plugin} {function}: {text}"));
    }
}

fn observed() -> (Arc<Told>, Arc<Sandbox>) {
    let told = Arc::new(Told::default());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    (told.clone(), Sandbox::start_observed(Some(cache), told).unwrap())
}

#[tokio::test]
async fn every_call_is_told_with_its_outcome() {
    let (told, sandbox) = observed();
    let load = async |bytes: &[u8]| Backend::load(sandbox.clone(), bytes.to_vec(), LIMITS, Grants::ALL).await.unwrap();
    let mock = load(MOCK).await;
    mock.health(nothing(), first_call()).await.unwrap().unwrap();
    let failing = context(0, r#"{"fail_at": "create"}"#, b"");
    mock.create(nothing(), failing, new_scan()).await.unwrap().unwrap_err();
    for bytes in [PANIC, SPIN, HOARD] {
        load(bytes).await.status(nothing(), first_call(), "1").await.unwrap_err();
    }
    let profile = Profile::load(sandbox.clone(), PROFILE, LIMITS).unwrap().named("soc".to_owned());
    profile.plan("{}", std::iter::empty()).await.unwrap().unwrap();
    let told = told.calls.lock().unwrap();
    let told: Vec<(&str, &str)> = told.iter().map(|(plugin, words)| (plugin.as_str(), words.as_str())).collect();
    let expected = [
        ("mock", "health ok"),
        ("mock", "create error"),
        ("panic", "status crash"),
        ("spin", "status cpu"),
        ("hoard", "status memory"),
        ("soc", "plan ok"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_a_failed_call_wrote_is_told_however_much_it_was() {
    let (told, sandbox) = observed();
    let load = async |bytes: &[u8]| Backend::load(sandbox.clone(), bytes.to_vec(), LIMITS, Grants::ALL).await.unwrap();
    load(PANIC).await.status(nothing(), first_call(), "1").await.unwrap_err();
    let fault = load(GRUMBLE).await.status(nothing(), first_call(), "1").await.unwrap_err();
    assert_eq!(fault, Fault::Cpu(LIMITS.cpu));
    load(SPIN).await.status(nothing(), first_call(), "1").await.unwrap_err();
    let told = told.last_words.lock().unwrap();
    let [panic, grumble] = &told[..] else { panic!("one has nothing to say: {told:?}") };
    assert!(panic.starts_with("panic status: ") && panic.contains("as always"), "{panic}");
    assert!(grumble.starts_with("grumble status: \u{1b}[31mand another thing"), "{grumble}");
    assert!((3_000..4_200).contains(&grumble.len()), "{}", grumble.len());
}
