//! A scan from its creation to its removal, at the scanner of the script.

use scanhost_sandbox::{CallContext, RemoteScan, ScannerError};
use url::form_urlencoded;

use crate::{case::{Case, Outcome, Stop, case, fail, skip}, probe::{Function, Said}, rig::{Made, OTHER_INSTALLATION, OTHER_TASK, Rig, Scene, TASK, plain_scan}, sample::Handing, script::ScenarioName};

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("is-well", is_well, "`health` decides whether scans are given to the scanner"),
        case!("creates", creates, "every scan begins here"),
        case!("sends-its-targets", sends_targets, "a scan of nothing, or of something else, looks like a good one"),
        case!("finds-what-it-created", finds, "after a lost answer the scan has to be found, or it is created twice"),
        case!("finds-nobody-elses", finds_others, "a scan of another task must never be taken for this one"),
        case!(
            "finds-nothing-where-nothing-is",
            finds_nothing,
            "where nothing was created, `none` lets the host create it"
        ),
        case!(
            "lists-what-it-created",
            lists,
            "the host removes scans at the scanner that no task of its own has any more"
        ),
        case!(
            "lists-nobody-elses",
            lists_others,
            "several hosts may use one scanner: what is listed may be removed, and must be this installation's"
        ),
        case!(
            "lists-what-runs-as-running",
            lists_running,
            "what runs without its task is stopped, and only what does not run is removed"
        ),
        case!("launches", launches, "every scan is started once"),
        case!("tells-already-running", launches_again, "a launch that is repeated must not start or fail the scan"),
        case!("status-created", status_created, "the host launches what was never launched"),
        case!("status-running", status_running, "the host waits while it runs"),
        case!("status-completed", status_completed, "the host fetches the report of what is completed"),
        case!("status-failed", status_failed, "a scan that ended early must not be waited for"),
        case!("status-gone", status_gone, "a scan that somebody deleted is `not-found`"),
        case!("stops-what-runs", stops, "a cancelled scan is ended at the scanner"),
        case!("stops-what-has-ended", stops_ended, "stopping is a success also when there is nothing to stop"),
        case!("removes-what-is-gone", removes_gone, "removing is a success also when there is nothing to remove"),
        case!("exports", exports, "without its report a scan has no findings"),
        case!("exports-again", exports_again, "an export that is begun again has to give the same report"),
        case!("reads-its-report", reads, "what it exports is what it has to read"),
    ]
}

async fn is_well(rig: &Rig) -> Outcome {
    if !rig.has_script() {
        return skip("it needs a script of the scanner's answers (--script)");
    }
    let said = rig.opening().said(Function::Health, &nothing()).await?;
    match &said {
        Said::Value(value) if value.contains("ready: true") => Ok(()),
        _ => fail(format!("`health` gave {}", said.text())),
    }
}

fn nothing() -> RemoteScan {
    RemoteScan { id: "1".into(), state: Vec::new() }
}

async fn creates(rig: &Rig) -> Outcome {
    if !rig.has_script() {
        return skip("it needs a script of the scanner's answers (--script)");
    }
    let scene = rig.opening();
    let said = scene.said(Function::Create, &nothing()).await?;
    match &said {
        Said::Value(_) => Ok(()),
        _ => fail(format!("it gave {}{}", said.text(), unanswered(&scene))),
    }
}

/// For an author whose script is not complete.
fn unanswered(scene: &Scene<'_>) -> String {
    let unanswered = scene.scanner.seen().unanswered;
    if unanswered.is_empty() {
        String::new()
    } else {
        format!(" (the script has no route for {})", unanswered.join(", "))
    }
}

async fn finds(rig: &Rig) -> Outcome {
    let made = rig.created().await?;
    let scene = rig.scene(ScenarioName::Created, made.sent.clone())?;
    let found = scene.rig.backend.find(scene.reach(), scene.context(&made.remote.state), TASK).await;
    match found {
        Ok(Ok(Some(found))) if found.id == made.remote.id => Ok(()),
        Ok(Ok(Some(found))) => fail(format!("it created {:?} and found {:?}", made.remote.id, found.id)),
        Ok(Ok(None)) => fail(format!("it found nothing{}", unanswered(&scene))),
        Ok(Err(error)) => fail(format!("`find` gave {error:?}{}", unanswered(&scene))),
        Err(fault) => fail(format!("`find` {fault}")),
    }
}

async fn finds_others(rig: &Rig) -> Outcome {
    let made = rig.created().await?;
    let scene = rig.scene(ScenarioName::Created, made.sent)?;
    match scene.rig.backend.find(scene.reach(), scene.context(b""), OTHER_TASK).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(found))) => fail(format!("for a task that has no scan it found {:?}", found.id)),
        Ok(Err(error)) => fail(format!("`find` gave {error:?}")),
        Err(fault) => fail(format!("`find` {fault}")),
    }
}

async fn finds_nothing(rig: &Rig) -> Outcome {
    let scene = rig.scene(ScenarioName::Absent, Vec::new())?;
    match scene.rig.backend.find(scene.reach(), scene.context(b""), TASK).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(found))) => fail(format!("it found {:?}", found.id)),
        Ok(Err(error)) => fail(format!("`find` gave {error:?}{}", unanswered(&scene))),
        Err(fault) => fail(format!("`find` {fault}")),
    }
}

async fn lists(rig: &Rig) -> Outcome {
    let made = rig.created().await?;
    let scene = rig.scene(ScenarioName::Created, made.sent.clone())?;
    match scene.rig.backend.list_scans(scene.reach(), scene.context(b"")).await {
        // Where the scanner keeps nothing there is nothing to list.
        Ok(Ok(listed)) if listed.is_empty() && scene.scanner.seen().requests.is_empty() => Ok(()),
        Ok(Ok(listed)) if listed.iter().any(|scan| scan.id == made.remote.id && scan.task.as_str() == TASK) => Ok(()),
        Ok(Ok(listed)) => fail(format!("it lists {listed:?} without {:?}", made.remote.id)),
        Ok(Err(error)) => fail(format!("`list-scans` gave {error:?}{}", unanswered(&scene))),
        Err(fault) => fail(format!("`list-scans` {fault}")),
    }
}

async fn lists_others(rig: &Rig) -> Outcome {
    let made = rig.created().await?;
    let scene = rig.scene(ScenarioName::Created, made.sent)?;
    let context = CallContext { installation: OTHER_INSTALLATION.into(), ..scene.context(b"") };
    match scene.rig.backend.list_scans(scene.reach(), context).await {
        Ok(Ok(listed)) if listed.is_empty() => Ok(()),
        Ok(Ok(listed)) => fail(format!("to another installation it lists {listed:?}")),
        Ok(Err(error)) => fail(format!("`list-scans` gave {error:?}{}", unanswered(&scene))),
        Err(fault) => fail(format!("`list-scans` {fault}")),
    }
}

async fn lists_running(rig: &Rig) -> Outcome {
    let made = rig.launched().await?;
    let scene = rig.scene(ScenarioName::Running, made.sent.clone())?;
    let listed = match scene.rig.backend.list_scans(scene.reach(), scene.context(b"")).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return fail(format!("`list-scans` gave {error:?}{}", unanswered(&scene))),
        Err(fault) => return fail(format!("`list-scans` {fault}")),
    };
    match listed.iter().find(|scan| scan.id == made.remote.id) {
        Some(scan) if scan.is_running => Ok(()),
        Some(_) => fail("`is-running` is false in the scenario `running`: does the script's list say that it runs?"),
        None if scene.scanner.seen().requests.is_empty() => skip("its scanner keeps nothing that it could list"),
        None => fail(format!("it lists {listed:?} without {:?}{}", made.remote.id, unanswered(&scene))),
    }
}

async fn sends_targets(rig: &Rig) -> Outcome {
    if rig.script.targets_hidden {
        return skip("the script says `targets_hidden`");
    }
    if !rig.has_script() {
        return skip("it needs a script of the scanner's answers (--script)");
    }
    let scene = rig.opening();
    let Ok(Ok(remote)) = scene.create(plain_scan()).await else {
        return skip("there is no scan (see the case `creates`)");
    };
    let mut seen = scene.scanner.seen();
    if let Ok(scene) = rig.scene(ScenarioName::Created, seen.sent.clone()) {
        scene.probe(Function::Launch, &remote).await;
        seen.requests.extend(scene.scanner.seen().requests);
    }
    if seen.requests.is_empty() {
        return skip("it makes no requests when it creates and launches");
    }
    let texts = seen.requests.iter().flat_map(|(line, body)| [line, body]);
    let decoded = texts.flat_map(|text| form_urlencoded::parse(text.as_bytes()).flat_map(|(key, value)| [key, value]));
    let sent: Vec<_> = decoded.collect();
    match plain_scan().targets.iter().find(|target| !sent.iter().any(|text| text.contains(target.as_str()))) {
        Some(target) => fail(format!(
            "neither `create` nor `launch` sent the target {target} in a path or a body (where it is sent in another \
             form, the script says `targets_hidden: true`)"
        )),
        None => Ok(()),
    }
}

async fn launches(rig: &Rig) -> Outcome {
    let made = rig.created().await?;
    let scene = rig.scene(ScenarioName::Created, made.sent.clone())?;
    let said = scene.said(Function::Launch, &made.remote).await?;
    match &said {
        Said::Value(_) => Ok(()),
        _ => fail(format!("it gave {}{}", said.text(), unanswered(&scene))),
    }
}

async fn launches_again(rig: &Rig) -> Outcome {
    let Made { remote, sent } = rig.launched().await?;
    let scene = rig.scene(ScenarioName::Running, sent)?;
    let said = scene.said(Function::Launch, &remote).await?;
    match &said {
        Said::Error(ScannerError::AlreadyRunning) => Ok(()),
        // A scanner that does not mind being asked twice.
        Said::Value(_) => Ok(()),
        _ => fail(format!("it gave {}, expected `already-running`", said.text())),
    }
}

async fn status(rig: &Rig, name: ScenarioName, expected: &str, is_right: impl Fn(&Said) -> bool) -> Outcome {
    let Made { remote, sent } =
        if name == ScenarioName::Created { rig.created().await? } else { rig.launched().await? };
    let scene = rig.scene(name, sent)?;
    let said = scene.said(Function::Status, &remote).await?;
    if is_right(&said) {
        Ok(())
    } else {
        fail(format!("it gave {}, expected {expected}{}", said.text(), unanswered(&scene)))
    }
}

fn is_state(said: &Said, state: &str) -> bool {
    matches!(said, Said::Value(value) if value.contains(&format!("state: {state}")))
}

/// Of a scan that runs.
fn percent(said: &Said) -> Option<u8> {
    let Said::Value(value) = said else { return None };
    let (_, rest) = value.split_once("state: Running(")?;
    rest.split_once(')')?.0.parse().ok()
}

async fn status_created(rig: &Rig) -> Outcome {
    status(rig, ScenarioName::Created, "`created`", |said| is_state(said, "Created")).await
}

async fn status_running(rig: &Rig) -> Outcome {
    let is_percentage = |said: &Said| percent(said).is_some_and(|percent| percent <= 100);
    status(rig, ScenarioName::Running, "`running` with 0 to 100 percent", is_percentage).await
}

async fn status_completed(rig: &Rig) -> Outcome {
    status(rig, ScenarioName::Completed, "`completed`", |said| is_state(said, "Completed")).await
}

/// A scan that fails may do so from its creation on, where the script says so by its options.
async fn status_failed(rig: &Rig) -> Outcome {
    let scene = rig.at_launch(ScenarioName::Failed)?;
    if rig.script.scenarios.get(&ScenarioName::Failed).is_some_and(|scenario| scenario.options.is_none()) {
        return status(rig, ScenarioName::Failed, "`failed`", |said| is_state(said, "Failed")).await;
    }
    let lost = |error: String| Stop::Skip(format!("the scan that is to fail cannot be made: {error}"));
    let remote = scene.create(plain_scan()).await;
    let remote = remote.map_err(|fault| lost(fault.to_string()))?.map_err(|error| lost(format!("{error:?}")))?;
    let state = rig.backend.launch(scene.reach(), scene.context(&remote.state), &remote.id).await;
    let state = state.map_err(|fault| lost(fault.to_string()))?.map_err(|error| lost(format!("{error:?}")))?;
    let scene = rig.scene(ScenarioName::Failed, Vec::new())?;
    let said = scene.said(Function::Status, &RemoteScan { state, ..remote }).await?;
    if is_state(&said, "Failed") { Ok(()) } else { fail(format!("it gave {}, expected `failed`", said.text())) }
}

async fn status_gone(rig: &Rig) -> Outcome {
    status(rig, ScenarioName::Gone, "`not-found`", |said| matches!(said, Said::Error(ScannerError::NotFound(_)))).await
}

async fn succeeds(rig: &Rig, name: ScenarioName, function: Function) -> Outcome {
    let Made { remote, sent } = rig.launched().await?;
    let scene = rig.scene(name, sent)?;
    let said = scene.said(function, &remote).await?;
    match &said {
        Said::Value(_) => Ok(()),
        _ => fail(format!("`{}` gave {}{}", function.name(), said.text(), unanswered(&scene))),
    }
}

async fn stops(rig: &Rig) -> Outcome {
    succeeds(rig, ScenarioName::Running, Function::Stop).await
}

async fn stops_ended(rig: &Rig) -> Outcome {
    succeeds(rig, ScenarioName::Completed, Function::Stop).await
}

async fn removes_gone(rig: &Rig) -> Outcome {
    succeeds(rig, ScenarioName::Gone, Function::Remove).await
}

async fn exports(rig: &Rig) -> Outcome {
    let Made { remote, sent } = rig.launched().await?;
    let scene = rig.scene(ScenarioName::Completed, sent)?;
    match scene.export(&remote).await {
        Ok(bytes) if bytes.is_empty() => fail("the report is empty"),
        Ok(_) => Ok(()),
        Err(Stop::Fail(problem)) => fail(problem + &unanswered(&scene)),
        Err(skip) => Err(skip),
    }
}

async fn exports_again(rig: &Rig) -> Outcome {
    let Made { remote, sent } = rig.launched().await?;
    let see = |_| Stop::Skip("it does not export (see the case `exports`)".into());
    let first = rig.scene(ScenarioName::Completed, sent.clone())?.export(&remote).await.map_err(see)?;
    let again = rig.scene(ScenarioName::Completed, sent)?.export(&remote).await?;
    if first == again { Ok(()) } else { fail(format!("first {} bytes, then {} others", first.len(), again.len())) }
}

async fn reads(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    let reading = rig.read(&sample, Handing::Whole).await?;
    let info = match &reading.answer {
        Ok(Ok(info)) => info,
        Ok(Err(malformed)) => return fail(format!("`parse` says {malformed}")),
        Err(fault) => return fail(format!("`parse` {fault}")),
    };
    if let Some(rule) = &reading.broken_rule {
        return fail(format!("a batch breaks a rule: {rule}"));
    }
    let Some(expect) = &rig.script.expect else { return Ok(()) };
    let found = (info.hosts, reading.findings.len() as u64);
    if found != (expect.hosts, expect.findings) {
        let (hosts, findings) = found;
        return fail(format!(
            "it found {hosts} hosts and {findings} findings, the script expects {} and {}",
            expect.hosts, expect.findings
        ));
    }
    Ok(())
}
