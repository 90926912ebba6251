//! Cases about a scan from its creation to its removal, at the scripted scanner.

use scanhost_sandbox::{CallContext, RemoteScan, ScannerError};
use url::form_urlencoded;

use crate::{
    case::{Case, Outcome, Stop, case, fail, skip},
    names::{OTHER_INSTALLATION, OTHER_TASK, TASK},
    probe::{CallResult, Function},
    rig::{CreatedScan, Rig, Stage, plain_scan},
    sample::Delivery,
    script::ScenarioName,
};

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("is-well", is_well, "the scanner gets scans only while `health` says that it is ready"),
        case!("creates", creates, "every scan begins with `create`"),
        case!(
            "sends-its-targets",
            sends_targets,
            "a scan without targets, or of wrong ones, looks like a successful scan"
        ),
        case!(
            "finds-what-it-created",
            finds,
            "if the answer to `create` is lost and `find` does not find the scan, it is created twice"
        ),
        case!("finds-nobody-elses", finds_others, "the scan of another task must never be mistaken for this one"),
        case!(
            "finds-nothing-where-nothing-is",
            finds_nothing,
            "the host creates the scan only after `find` returned `none`"
        ),
        case!(
            "lists-what-it-created",
            lists,
            "the host removes scans from the scanner that belong to none of its tasks any more"
        ),
        case!(
            "lists-nobody-elses",
            lists_others,
            "several hosts may use one scanner, and each removes listed scans: list only those of this installation"
        ),
        case!(
            "lists-what-runs-as-running",
            lists_running,
            "the host stops an orphan that runs, and removes only one that does not"
        ),
        case!("launches", launches, "every scan is started by `launch`"),
        case!(
            "tells-already-running",
            launches_again,
            "the host may repeat a launch, which must neither start the scan again nor fail it"
        ),
        case!("status-created", status_created, "the host launches a scan that was created but never launched"),
        case!("status-running", status_running, "the host waits while the scan runs"),
        case!("status-completed", status_completed, "the host fetches the report once the scan is completed"),
        case!("status-failed", status_failed, "the host must not wait for a scan that ended early"),
        case!("status-gone", status_gone, "the status of a scan that was deleted at the scanner is `not-found`"),
        case!("stops-what-runs", stops, "the host stops a cancelled scan at the scanner"),
        case!("stops-what-has-ended", stops_ended, "stopping a scan that has ended is a success"),
        case!("removes-what-is-gone", removes_gone, "removing a scan that is already gone is a success"),
        case!("exports", exports, "a scan without a report has no findings"),
        case!("exports-again", exports_again, "an export that is started again has to give the same report"),
        case!("reads-its-report", reads, "a backend has to read the reports that it exports"),
    ]
}

async fn is_well(rig: &Rig) -> Outcome {
    if !rig.has_script() {
        return skip("it needs a script of the scanner's answers (--script)");
    }
    let result = rig.stage_without_scan().call(Function::Health, &nothing()).await?;
    match &result {
        CallResult::Value(value) if value.contains("ready: true") => Ok(()),
        _ => fail(format!("`health` returned {}", result.text())),
    }
}

fn nothing() -> RemoteScan {
    RemoteScan { id: "1".into(), state: Vec::new() }
}

async fn creates(rig: &Rig) -> Outcome {
    if !rig.has_script() {
        return skip("it needs a script of the scanner's answers (--script)");
    }
    let stage = rig.stage_without_scan();
    let result = stage.call(Function::Create, &nothing()).await?;
    match &result {
        CallResult::Value(_) => Ok(()),
        _ => fail(format!("`create` returned {}{}", result.text(), unanswered(&stage))),
    }
}

/// A hint at requests that the script has no route for.
fn unanswered(stage: &Stage<'_>) -> String {
    let unanswered = stage.scanner.recording().unanswered;
    if unanswered.is_empty() {
        String::new()
    } else {
        format!(" (the script has no route for these requests: {})", unanswered.join(", "))
    }
}

async fn finds(rig: &Rig) -> Outcome {
    let created = rig.created().await?;
    let stage = rig.stage(ScenarioName::Created, created.sent.clone())?;
    let found = stage.rig.backend.find(stage.reach(), stage.context(&created.remote.state), TASK).await;
    match found {
        Ok(Ok(Some(found))) if found.id == created.remote.id => Ok(()),
        Ok(Ok(Some(found))) => fail(format!("it created {:?} and found {:?}", created.remote.id, found.id)),
        Ok(Ok(None)) => fail(format!("it did not find the scan that it created{}", unanswered(&stage))),
        Ok(Err(error)) => fail(format!("`find` returned {error:?}{}", unanswered(&stage))),
        Err(fault) => fail(format!("`find` {fault}")),
    }
}

async fn finds_others(rig: &Rig) -> Outcome {
    let created = rig.created().await?;
    let stage = rig.stage(ScenarioName::Created, created.sent)?;
    match stage.rig.backend.find(stage.reach(), stage.context(b""), OTHER_TASK).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(found))) => fail(format!("it found {:?} for a task that has no scan", found.id)),
        Ok(Err(error)) => fail(format!("`find` returned {error:?}")),
        Err(fault) => fail(format!("`find` {fault}")),
    }
}

async fn finds_nothing(rig: &Rig) -> Outcome {
    let stage = rig.stage(ScenarioName::Absent, Vec::new())?;
    match stage.rig.backend.find(stage.reach(), stage.context(b""), TASK).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(found))) => fail(format!("it found {:?} at a scanner without scans", found.id)),
        Ok(Err(error)) => fail(format!("`find` returned {error:?}{}", unanswered(&stage))),
        Err(fault) => fail(format!("`find` {fault}")),
    }
}

async fn lists(rig: &Rig) -> Outcome {
    let created = rig.created().await?;
    let stage = rig.stage(ScenarioName::Created, created.sent.clone())?;
    match stage.rig.backend.list_scans(stage.reach(), stage.context(b"")).await {
        // A scanner that keeps no scans has nothing to list.
        Ok(Ok(listed)) if listed.is_empty() && stage.scanner.recording().requests.is_empty() => Ok(()),
        Ok(Ok(listed)) if listed.iter().any(|scan| scan.id == created.remote.id && scan.task.as_str() == TASK) => {
            Ok(())
        }
        Ok(Ok(listed)) => fail(format!("it lists {listed:?} without {:?}", created.remote.id)),
        Ok(Err(error)) => fail(format!("`list-scans` returned {error:?}{}", unanswered(&stage))),
        Err(fault) => fail(format!("`list-scans` {fault}")),
    }
}

async fn lists_others(rig: &Rig) -> Outcome {
    let created = rig.created().await?;
    let stage = rig.stage(ScenarioName::Created, created.sent)?;
    let context = CallContext { installation: OTHER_INSTALLATION.into(), ..stage.context(b"") };
    match stage.rig.backend.list_scans(stage.reach(), context).await {
        Ok(Ok(listed)) if listed.is_empty() => Ok(()),
        Ok(Ok(listed)) => fail(format!("it lists {listed:?} for another installation")),
        Ok(Err(error)) => fail(format!("`list-scans` returned {error:?}{}", unanswered(&stage))),
        Err(fault) => fail(format!("`list-scans` {fault}")),
    }
}

async fn lists_running(rig: &Rig) -> Outcome {
    let created = rig.launched().await?;
    let stage = rig.stage(ScenarioName::Running, created.sent.clone())?;
    let listed = match stage.rig.backend.list_scans(stage.reach(), stage.context(b"")).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return fail(format!("`list-scans` returned {error:?}{}", unanswered(&stage))),
        Err(fault) => return fail(format!("`list-scans` {fault}")),
    };
    match listed.iter().find(|scan| scan.id == created.remote.id) {
        Some(scan) if scan.is_running => Ok(()),
        Some(_) => {
            fail("`is-running` is false in the scenario `running`: does the list in the script say that the scan runs?")
        }
        None if stage.scanner.recording().requests.is_empty() => skip("its scanner keeps no scans that it could list"),
        None => fail(format!("it lists {listed:?} without {:?}{}", created.remote.id, unanswered(&stage))),
    }
}

async fn sends_targets(rig: &Rig) -> Outcome {
    if rig.script.targets_hidden {
        return skip("the script says `targets_hidden`");
    }
    if !rig.has_script() {
        return skip("it needs a script of the scanner's answers (--script)");
    }
    let stage = rig.stage_without_scan();
    let Ok(Ok(remote)) = stage.create(plain_scan()).await else {
        return skip("no scan could be created (see the case `creates`)");
    };
    let mut recording = stage.scanner.recording();
    if let Ok(stage) = rig.stage(ScenarioName::Created, recording.sent.clone()) {
        stage.probe(Function::Launch, &remote).await;
        recording.requests.extend(stage.scanner.recording().requests);
    }
    if recording.requests.is_empty() {
        return skip("it makes no requests in `create` and `launch`");
    }
    let texts = recording.requests.iter().flat_map(|(line, body)| [line, body]);
    let decoded = texts.flat_map(|text| form_urlencoded::parse(text.as_bytes()).flat_map(|(key, value)| [key, value]));
    let sent: Vec<_> = decoded.collect();
    match plain_scan().targets.iter().find(|target| !sent.iter().any(|text| text.contains(target.as_str()))) {
        Some(target) => fail(format!(
            "neither `create` nor `launch` sent the target {target} in a path or a body (if it is sent in another form, put \
             `targets_hidden: true` into the script)"
        )),
        None => Ok(()),
    }
}

async fn launches(rig: &Rig) -> Outcome {
    let created = rig.created().await?;
    let stage = rig.stage(ScenarioName::Created, created.sent.clone())?;
    let result = stage.call(Function::Launch, &created.remote).await?;
    match &result {
        CallResult::Value(_) => Ok(()),
        _ => fail(format!("`launch` returned {}{}", result.text(), unanswered(&stage))),
    }
}

async fn launches_again(rig: &Rig) -> Outcome {
    let CreatedScan { remote, sent } = rig.launched().await?;
    let stage = rig.stage(ScenarioName::Running, sent)?;
    let result = stage.call(Function::Launch, &remote).await?;
    match &result {
        CallResult::Error(ScannerError::AlreadyRunning) => Ok(()),
        // Some scanners accept a second launch.
        CallResult::Value(_) => Ok(()),
        _ => fail(format!("`launch` returned {}, expected `already-running`", result.text())),
    }
}

async fn status(rig: &Rig, name: ScenarioName, expected: &str, is_right: impl Fn(&CallResult) -> bool) -> Outcome {
    let CreatedScan { remote, sent } =
        if name == ScenarioName::Created { rig.created().await? } else { rig.launched().await? };
    let stage = rig.stage(name, sent)?;
    let result = stage.call(Function::Status, &remote).await?;
    if is_right(&result) {
        Ok(())
    } else {
        fail(format!("`status` returned {}, expected {expected}{}", result.text(), unanswered(&stage)))
    }
}

fn is_state(result: &CallResult, state: &str) -> bool {
    matches!(result, CallResult::Value(value) if value.contains(&format!("state: {state}")))
}

/// The progress of a scan that runs.
fn percent(result: &CallResult) -> Option<u8> {
    let CallResult::Value(value) = result else { return None };
    let (_, rest) = value.split_once("state: Running(")?;
    rest.split_once(')')?.0.parse().ok()
}

async fn status_created(rig: &Rig) -> Outcome {
    status(rig, ScenarioName::Created, "`created`", |result| is_state(result, "Created")).await
}

async fn status_running(rig: &Rig) -> Outcome {
    let is_percentage = |result: &CallResult| percent(result).is_some_and(|percent| percent <= 100);
    status(rig, ScenarioName::Running, "`running` with 0 to 100 percent", is_percentage).await
}

async fn status_completed(rig: &Rig) -> Outcome {
    status(rig, ScenarioName::Completed, "`completed`", |result| is_state(result, "Completed")).await
}

/// The script may say by its options that the scan fails from its creation on.
async fn status_failed(rig: &Rig) -> Outcome {
    let stage = rig.at_launch(ScenarioName::Failed)?;
    if rig.script.scenarios.get(&ScenarioName::Failed).is_some_and(|scenario| scenario.options.is_none()) {
        return status(rig, ScenarioName::Failed, "`failed`", |result| is_state(result, "Failed")).await;
    }
    let lost = |error: String| Stop::Skip(format!("the scan that should fail could not be made: {error}"));
    let remote = stage.create(plain_scan()).await;
    let remote = remote.map_err(|fault| lost(fault.to_string()))?.map_err(|error| lost(format!("{error:?}")))?;
    let state = rig.backend.launch(stage.reach(), stage.context(&remote.state), &remote.id).await;
    let state = state.map_err(|fault| lost(fault.to_string()))?.map_err(|error| lost(format!("{error:?}")))?;
    let stage = rig.stage(ScenarioName::Failed, Vec::new())?;
    let result = stage.call(Function::Status, &RemoteScan { state, ..remote }).await?;
    if is_state(&result, "Failed") {
        Ok(())
    } else {
        fail(format!("`status` returned {}, expected `failed`", result.text()))
    }
}

async fn status_gone(rig: &Rig) -> Outcome {
    status(rig, ScenarioName::Gone, "`not-found`", |result| {
        matches!(result, CallResult::Error(ScannerError::NotFound(_)))
    })
    .await
}

async fn succeeds(rig: &Rig, name: ScenarioName, function: Function) -> Outcome {
    let CreatedScan { remote, sent } = rig.launched().await?;
    let stage = rig.stage(name, sent)?;
    let result = stage.call(function, &remote).await?;
    match &result {
        CallResult::Value(_) => Ok(()),
        _ => fail(format!("`{}` returned {}{}", function.name(), result.text(), unanswered(&stage))),
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
    let CreatedScan { remote, sent } = rig.launched().await?;
    let stage = rig.stage(ScenarioName::Completed, sent)?;
    match stage.export(&remote).await {
        Ok(bytes) if bytes.is_empty() => fail("the report is empty"),
        Ok(_) => Ok(()),
        Err(Stop::Fail(problem)) => fail(problem + &unanswered(&stage)),
        Err(skip) => Err(skip),
    }
}

async fn exports_again(rig: &Rig) -> Outcome {
    let CreatedScan { remote, sent } = rig.launched().await?;
    let see = |_| Stop::Skip("its export fails (see the case `exports`)".into());
    let first = rig.stage(ScenarioName::Completed, sent.clone())?.export(&remote).await.map_err(see)?;
    let again = rig.stage(ScenarioName::Completed, sent)?.export(&remote).await?;
    if first == again {
        Ok(())
    } else {
        fail(format!("the first report has {} bytes, the second {} different ones", first.len(), again.len()))
    }
}

async fn reads(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    let parsed = rig.read(&sample, Delivery::Whole).await?;
    let info = match &parsed.answer {
        Ok(Ok(info)) => info,
        Ok(Err(malformed)) => return fail(format!("`parse` returned the error {malformed}")),
        Err(fault) => return fail(format!("`parse` {fault}")),
    };
    if let Some(rule) = &parsed.broken_rule {
        return fail(format!("a batch breaks a rule of the host: {rule}"));
    }
    let Some(expect) = &rig.script.expect else { return Ok(()) };
    let found = (info.hosts, parsed.findings.len() as u64);
    if found != (expect.hosts, expect.findings) {
        let (hosts, findings) = found;
        return fail(format!(
            "it found {hosts} hosts and {findings} findings, but the script expects {} hosts and {} findings",
            expect.hosts, expect.findings
        ));
    }
    Ok(())
}
